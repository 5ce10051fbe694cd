// A link to a node that loses, delays, reorders and doubles packets, as a bad network does: `netem` is not in every kernel,
// so the packets pass through a process (packet-link.py) between two TUN devices. Knows the weather; not who suffers from it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { PYTHON } from '../peers.ts'
import { REPOSITORY } from '../repository.ts'

export interface Weather {
  /** Milliseconds that every packet takes, one way. */
  readonly delay: number
  /** Milliseconds that it takes more at most: what was sent first may come last. */
  readonly jitter: number
  /** Shares of all packets. */
  readonly loss: number
  readonly twice: number
}

export interface Carried {
  readonly carried: number
  readonly lost: number
  readonly twice: number
  readonly late: number
}

const FAIR: Weather = { delay: 0, jitter: 0, loss: 0, twice: 0 }

export class PacketLink implements Disposable {
  readonly #process: ChildProcess
  readonly #lines: Interface

  private constructor(process: ChildProcess, lines: Interface) {
    this.#process = process
    this.#lines = lines
  }

  static get isPossible(): boolean {
    try {
      execFileSync(PYTHON, ['-c', 'open("/dev/net/tun", "r+b", 0)'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }

  /** Between a device here and one in the network namespace of the process `pid`. They end with it. */
  static async create(pid: number, near: string, far: string): Promise<PacketLink> {
    const program = join(REPOSITORY, 'test/chaos/packet-link.py')
    const child = spawn(PYTHON, [program, String(pid), near, far], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.on('error', () => {})
    const lines = createInterface(child.stdout)
    await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(() => {
        throw new Error('a link of packets was not made')
      }),
    ])
    return new PacketLink(child, lines)
  }

  /** Resolves when it is so, to everything that has come this way before. */
  async set(weather: Weather, seed: number): Promise<Carried> {
    const line = once(this.#lines, 'line')
    this.#process.stdin?.write(`${JSON.stringify({ ...weather, seed })}\n`)
    return JSON.parse(String(await line))
  }

  clear(): Promise<Carried> {
    return this.set(FAIR, 0)
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL')
  }
}
