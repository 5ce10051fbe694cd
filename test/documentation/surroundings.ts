// The world that our pages tell of: nodes at 10.0.0.1 and cache-0, names in a resolver, and the usual port free. All of it
// is in namespaces of the process alone. Knows the addresses that examples use.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MEMSHARD_SERVER } from '../nodes.ts'

const DEADLINE_MS = 20_000

/** By name: where it is. */
const HOSTS: Readonly<Record<string, string>> = {
  'cache-0': '10.0.0.1',
  'cache-1': '10.0.0.2',
  'cache-2': '10.0.0.3',
  'cache.example': '10.0.0.1',
  'gutter-0.gutter': '10.0.0.8',
  'gutter-1.gutter': '10.0.0.9',
}
const ADDRESSES = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `10.0.0.${i}`),
  ...[1, 2].map((i) => `10.0.1.${i}`),
]
/** Where the nodes of somebody's network listen, besides the usual port. */
const FURTHER = ['10.0.0.3:11212']

const LOCAL_PORTS = [11211, 11212, 11213] as const

/** Addresses and names, and a `/run` and an `/etc` to write to. For a process in network and mount namespaces of its own. */
export function furnish(directory: string): void {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  for (const address of ADDRESSES) execFileSync('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo'])
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
  const etc = join(directory, 'etc')
  execFileSync('cp', ['-a', '/etc', etc])
  execFileSync('mount', ['--bind', etc, '/etc'])
  const hosts = Object.entries(HOSTS).map(([name, address]) => `${address} ${name}\n`)
  // Written anew: what was there may be a mount of a container's own.
  rmSync('/etc/hosts', { force: true })
  writeFileSync('/etc/hosts', `127.0.0.1 localhost\n::1 localhost\n${hosts.join('')}`)
}

let nodes: readonly ChildProcess[] = []

/** Nodes on all of the network's addresses, and on this machine's usual ports unless the page has some there itself. */
export async function startNodes(): Promise<void> {
  if (nodes.length > 0) return
  const network = [...ADDRESSES.map((address) => `${address}:11211`), ...FURTHER]
  const isTaken = await answers('127.0.0.1', LOCAL_PORTS[0])
  const local = isTaken ? [] : LOCAL_PORTS.map((port) => [`127.0.0.1:${port}`])
  nodes = [network, ...local].map((list) =>
    spawn(MEMSHARD_SERVER, ['-u', 'root', '-t', '1', '-l', list.join(',')], { stdio: 'inherit' }),
  )
  await Promise.all([network, ...local].flat().map(listening))
}

/** Before a page's own commands serve. */
export async function stopNodes(): Promise<void> {
  const ended = nodes.map((node) => once(node, 'exit'))
  for (const node of nodes) node.kill()
  await Promise.all(ended)
  nodes = []
}

async function listening(address: string): Promise<void> {
  const [host = '', port] = address.split(':')
  const deadline = Date.now() + DEADLINE_MS
  while (!(await answers(host, Number(port)))) {
    if (Date.now() > deadline) throw new Error(`nobody listens at ${address}`)
    await sleep(20)
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** What is listened at here: lines of the kernel's tables, by which one can see that there are more. */
export function listeners(): number {
  const tcp = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/net/${file}`, 'utf8')
      .split('\n')
      .filter((line) => line.trim().split(/\s+/)[3] === '0A'),
  )
  const unix = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.split(/\s+/)[3] === '00010000')
  return tcp.length + unix.length
}
