// Linux system calls through the C library, by koffi. Pointers are plain numbers: an address is looked
// up once, and a call then costs some 80 ns more than from C. Knows nothing of connections.
import { createRequire } from 'node:module'
import { endianness } from 'node:os'
import type { NativeMemory } from '../cache/memory.ts'

export interface SystemCalls extends NativeMemory {
  socket(domain: number, type: number, protocol: number): number
  /** `pair` is an array of two ints. */
  socketpair(domain: number, type: number, protocol: number, pair: number): number
  bind(fd: number, address: number, length: number): number
  listen(fd: number, backlog: number): number
  accept4(fd: number, address: number, length: number, flags: number): number
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number
  getsockname(fd: number, address: number, length: number): number
  getpeername(fd: number, address: number, length: number): number
  inet_pton(family: number, text: string, address: number): number
  inet_ntop(family: number, address: number, text: number, length: number): string | null
  recv(fd: number, buffer: number, length: number, flags: number): number
  recvfrom(
    fd: number,
    buffer: number,
    length: number,
    flags: number,
    address: number,
    addressLength: number,
  ): number
  send(fd: number, buffer: number, length: number, flags: number): number
  sendmsg(fd: number, message: number, flags: number): number
  read(fd: number, buffer: number, length: number): number
  write(fd: number, buffer: number, length: number): number
  dup(fd: number): number
  shutdown(fd: number, how: number): number
  close(fd: number): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: number): number
  epoll_wait(epoll: number, events: number, maximum: number, timeoutMs: number): number
  /** `descriptors` is an array of `struct pollfd`. */
  poll(descriptors: number, count: number, timeoutMs: number): number
  eventfd(initial: number, flags: number): number
  /** Maps a file, or a part of what else a descriptor stands for, shared and writable; its address, or undefined. */
  mapFile(fd: number, size: number, offset?: number): number | undefined
  io_uring_setup(entries: number, parameters: number): number
  io_uring_enter(
    ring: number,
    submit: number,
    complete: number,
    flags: number,
    argument: number,
    argumentBytes: number,
  ): number
  io_uring_register(ring: number, operation: number, argument: number, count: number): number
  flock(fd: number, operation: number): number
  /** As posix_fallocate(3): blocks for a part of a file, made longer if need be. 0, or the number of an error. */
  posix_fallocate(fd: number, offset: number, length: number): number
  getrlimit(resource: number, limits: number): number
  setrlimit(resource: number, limits: number): number
  /** Keeps memory from being swapped, page by page as it is first used. */
  lockOnUse(address: number, length: number): number
  /** The error of the last call that failed in this thread. */
  errno(): number
  /** "Address already in use" and the like. */
  describeError(errno: number): string
}

// Numbers of the Linux ABI, the same on x64 and arm64.
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_KEEPALIVE = 9
export const SO_LINGER = 13
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const SHUT_RDWR = 2
export const MSG_NOSIGNAL = 0x4000
export const POLLIN = 1
export const POLLOUT = 4
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLL_CLOEXEC = 0o2000000
export const EPOLLIN = 1
export const EPOLLOUT = 4
export const EPOLLEXCLUSIVE = 1 << 28
export const EFD_NONBLOCK = 0o4000
export const EFD_CLOEXEC = 0o2000000
export const LOCK_EX = 2
export const LOCK_NB = 4
export const LOCK_UN = 8
export const RLIMIT_CORE = 4
export const RLIMIT_NOFILE = 7
export const EINTR = 4
export const EBADF = 9
export const EINVAL = 22
export const ENOSPC = 28
export const EOPNOTSUPP = 95
export const EAGAIN = 11
export const ENOBUFS = 105
export const ECANCELED = 125
export const EMFILE = 24
export const ENFILE = 23
export const EAFNOSUPPORT = 97
export const EADDRNOTAVAIL = 99

const PROT_READ = 1
const PROT_WRITE = 2
const MADV_DONTNEED = 4
const MADV_HUGEPAGE = 14
const MADV_NOHUGEPAGE = 15
/** The largest that the architecture may have. */
const MEMORY_PAGE_BYTES = process.arch === 'x64' ? 4096 : 65536
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT; the last there is on x64 only. */
const LOW_ANONYMOUS_MEMORY = 0x62
const MAP_SHARED = 1

const MLOCK2 = process.arch === 'x64' ? 325 : 284
const MLOCK_ONFAULT = 1

const IO_URING_SETUP = 425
const IO_URING_ENTER = 426
const IO_URING_REGISTER = 427

const SUPPORTED_ARCHITECTURES = ['x64', 'arm64']

/** Whether this machine has the calls at all; `loadSystemCalls` may still fail (another C library). */
export function hasSystemCalls(): boolean {
  return (
    process.platform === 'linux' &&
    SUPPORTED_ARCHITECTURES.includes(process.arch) &&
    endianness() === 'LE'
  )
}

const load = createRequire(import.meta.url)

/**
 * The add-on that koffi has loaded in this thread, for further ones: koffi reads Node's executable to find which of
 * its add-ons fits, which takes much longer than loading it. Undefined if there is none, or elsewhere.
 */
export function loadedAddOn(): string | undefined {
  return Object.keys(load.cache).find((file) => file.endsWith('koffi.node'))
}

/**
 * Binds the calls in this thread, through koffi or the add-on that it loaded in another. Throws where koffi or the
 * C library can't be loaded.
 */
export function loadSystemCalls(addOn?: string): SystemCalls {
  const koffi: typeof import('koffi') = load(addOn ?? 'koffi')
  const libc = loadLibc(koffi)
  const addressOf = libc.func('uintptr_t memmove(void *target, void *source, size_t length)')
  const madvise = libc.func('int madvise(uintptr_t, size_t, int)')
  /** Of the whole memory pages within the range. Advice that the system doesn't know is ignored. */
  const advise = (address: number, length: number, advice: number): void => {
    const from = Math.ceil(address / MEMORY_PAGE_BYTES) * MEMORY_PAGE_BYTES
    const to = Math.floor((address + length) / MEMORY_PAGE_BYTES) * MEMORY_PAGE_BYTES
    if (to > from) madvise(from, to - from, advice)
  }
  const mmap = libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)')
  const syscall = libc.func('int64_t syscall(int64_t, uintptr_t, size_t, int)')
  const uringSetup = libc.func('int syscall(int, uint32_t, uintptr_t)')
  const uringEnter = libc.func(
    'int syscall(int, int, uint32_t, uint32_t, uint32_t, uintptr_t, size_t)',
  )
  const uringRegister = libc.func('int syscall(int, int, uint32_t, uintptr_t, uint32_t)')
  return {
    allocateLow: (size) => {
      if (process.arch !== 'x64') return undefined
      const address: number = mmap(0, size, PROT_READ | PROT_WRITE, LOW_ANONYMOUS_MEMORY, -1, 0)
      return address < 2 ** 31 ? koffi.view(address, size) : undefined
    },
    view: (address, size) => koffi.view(address, size),
    mapFile: (fd, size, offset = 0) => {
      const address: unknown = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset)
      // MAP_FAILED is 2^64 - 1, which koffi makes a BigInt of; real addresses are numbers.
      return typeof address === 'number' ? address : undefined
    },
    discard: (address, length) => {
      // Else the kernel would fill it again, for the sake of a huge page with its neighbour.
      advise(address, length, MADV_NOHUGEPAGE)
      advise(address, length, MADV_DONTNEED)
    },
    preferHugePages: (address, length) => advise(address, length, MADV_HUGEPAGE),
    addressOf: (bytes) => addressOf(bytes, bytes, 0),
    // Without its result, which would be a number on the heap.
    move: libc.func('void memmove(uintptr_t target, uintptr_t source, size_t length)'),
    socket: libc.func('int socket(int, int, int)'),
    socketpair: libc.func('int socketpair(int, int, int, uintptr_t)'),
    bind: libc.func('int bind(int, uintptr_t, uint32_t)'),
    listen: libc.func('int listen(int, int)'),
    accept4: libc.func('int accept4(int, uintptr_t, uintptr_t, int)'),
    setsockopt: libc.func('int setsockopt(int, int, int, uintptr_t, uint32_t)'),
    getsockname: libc.func('int getsockname(int, uintptr_t, uintptr_t)'),
    getpeername: libc.func('int getpeername(int, uintptr_t, uintptr_t)'),
    inet_ntop: libc.func('const char *inet_ntop(int, uintptr_t, uintptr_t, uint32_t)'),
    inet_pton: libc.func('int inet_pton(int, const char *, uintptr_t)'),
    recv: libc.func('int64_t recv(int, uintptr_t, size_t, int)'),
    recvfrom: libc.func('int64_t recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)'),
    send: libc.func('int64_t send(int, uintptr_t, size_t, int)'),
    sendmsg: libc.func('int64_t sendmsg(int, uintptr_t, int)'),
    flock: libc.func('int flock(int, int)'),
    posix_fallocate: libc.func('int posix_fallocate(int, int64_t, int64_t)'),
    read: libc.func('int64_t read(int, uintptr_t, size_t)'),
    write: libc.func('int64_t write(int, uintptr_t, size_t)'),
    dup: libc.func('int dup(int)'),
    shutdown: libc.func('int shutdown(int, int)'),
    close: libc.func('int close(int)'),
    epoll_create1: libc.func('int epoll_create1(int)'),
    epoll_ctl: libc.func('int epoll_ctl(int, int, int, uintptr_t)'),
    epoll_wait: libc.func('int epoll_wait(int, uintptr_t, int, int)'),
    poll: libc.func('int poll(uintptr_t, uint64_t, int)'),
    eventfd: libc.func('int eventfd(uint32_t, int)'),
    getrlimit: libc.func('int getrlimit(int, uintptr_t)'),
    setrlimit: libc.func('int setrlimit(int, uintptr_t)'),
    // mlock2(2), which not every C library has.
    lockOnUse: (address, length) => syscall(MLOCK2, address, length, MLOCK_ONFAULT),
    // The C library has no functions for these; the numbers are the same on every architecture.
    io_uring_setup: (entries, parameters) => uringSetup(IO_URING_SETUP, entries, parameters),
    io_uring_enter: (ring, submit, complete, flags, argument, argumentBytes) =>
      uringEnter(IO_URING_ENTER, ring, submit, complete, flags, argument, argumentBytes),
    io_uring_register: (ring, operation, argument, count) =>
      uringRegister(IO_URING_REGISTER, ring, operation, argument, count),
    errno: () => koffi.errno(),
    describeError: libc.func('const char *strerror(int)'),
  }
}

function loadLibc(koffi: typeof import('koffi')): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libc.so.6')
  } catch {
    return koffi.load(`libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`)
  }
}
