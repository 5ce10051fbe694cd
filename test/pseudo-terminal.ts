// Runs a program on a terminal of its own, for tests of what people see and type. Python makes the terminal (its pty module):
// Node has none. Knows frames that begin at the top left, not what is in them.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { PYTHON } from './peers.ts'

const DEADLINE_MS = 30_000

// Between stdin and stdout and the terminal; a line on descriptor 3 resizes it, one on descriptor 4 tells the program's id
// first, then how it ended and whether the terminal is set as it was.
const BRIDGE = `
import fcntl, os, pty, select, signal, struct, sys, termios
master, slave = pty.openpty()
def resize(columns, rows):
  fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
resize(int(sys.argv[1]), int(sys.argv[2]))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
  os.setsid()
  fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
  for fd in (0, 1, 2): os.dup2(slave, fd)
  os.closerange(3, 64)
  os.execvp(sys.argv[3], sys.argv[3:])
os.write(4, b'%d\\n' % child)
sources = [0, 3, master]
while True:
  ready, _, _ = select.select(sources, [], [], 0.05)
  if master in ready: os.write(1, os.read(master, 65536))
  if 0 in ready:
    typed = os.read(0, 65536)
    if typed: os.write(master, typed)
    else: sources.remove(0)
  if 3 in ready:
    line = os.read(3, 100)
    if line: resize(*map(int, line.split()))
    else: sources.remove(3)
  if not ready:
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended: break
restored = termios.tcgetattr(slave) == before
os.write(4, b'%d %d\\n' % (os.waitstatus_to_exitcode(status), restored))
`

export interface Ended {
  /** Negative: the signal that ended it. */
  readonly code: number
  /** Whether echo, line editing and all else is as it was before. */
  readonly isRestored: boolean
}

export class PseudoTerminal implements AsyncDisposable {
  readonly #bridge: ChildProcessWithoutNullStreams
  readonly #closed: Promise<unknown>
  #output = ''
  #told = ''

  constructor(
    command: readonly string[],
    size: { readonly columns: number; readonly rows: number },
    env: Readonly<Record<string, string>> = {},
  ) {
    const argv = ['-c', BRIDGE, String(size.columns), String(size.rows), ...command]
    this.#bridge = spawn(PYTHON, argv, {
      env: { ...process.env, TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    }) as ChildProcessWithoutNullStreams
    this.#closed = once(this.#bridge, 'close')
    this.#bridge.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.#bridge.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    const [, , , , told] = this.#bridge.stdio
    told?.on('data', (data: Buffer) => {
      this.#told += data.toString()
    })
  }

  /** All bytes that the program has written. */
  get output(): string {
    return this.#output
  }

  /** The lines of the newest frame, without their ink. */
  get screen(): string {
    const frame = this.#output.slice(this.#output.lastIndexOf('\x1b[H') + 3)
    return frame.replace(/\p{Cc}\[[?\d;]*[A-Za-z]/gu, '').replaceAll('\r', '')
  }

  get pid(): number {
    return Number(this.#told.split('\n')[0])
  }

  type(keys: string): void {
    this.#bridge.stdin.write(keys)
  }

  resize(columns: number, rows: number): void {
    const sizes = this.#bridge.stdio[3] as unknown as NodeJS.WritableStream
    sizes.write(`${columns} ${rows}\n`)
  }

  /** Resolves to the screen once it shows all of these at a time. */
  async shows(...expected: readonly RegExp[]): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS
    for (;;) {
      const { screen } = this
      if (expected.every((of) => of.test(screen))) return screen
      if (Date.now() > deadline) throw new Error(`${expected} is not shown:\n${screen}`)
      await sleep(20)
    }
  }

  async ended(): Promise<Ended> {
    await this.#closed
    const [code, isRestored] = (this.#told.trim().split('\n')[1] ?? '').split(' ')
    return { code: Number(code), isRestored: isRestored === '1' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The program first: the bridge alone knows of it.
    if (this.#bridge.exitCode === null && this.#bridge.signalCode === null) {
      if (this.pid > 0) process.kill(this.pid, 'SIGKILL')
      await this.#closed
    }
  }
}
