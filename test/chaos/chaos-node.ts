// A node in a network of its own, with or without a memory file, and what can befall it. Knows processes and disks; not
// when anything happens.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MEMSHARD_SERVER } from '../nodes.ts'
import { NetworkNamespace } from './network-namespace.ts'
import type { PacketLink } from './packet-link.ts'

const run = promisify(execFile)

const MEMORY_MEGABYTES = 64
/** The memory file takes twice the items it may hold and a page: see docs/PROTOCOL.md. */
const DISK_MEGABYTES = 140
const START_DEADLINE_MS = 60_000

export interface ChaosNodeOptions {
  readonly number: number
  readonly threads: number
  /** Its items outlive it (`-e`). */
  readonly hasMemoryFile: boolean
  /** Its link can lose, delay, reorder and double packets. */
  readonly hasWeather: boolean
  /** Where its disk may be mounted. */
  readonly directory: string
}

export class ChaosNode implements AsyncDisposable {
  readonly name: string
  readonly hasMemoryFile: boolean
  readonly #options: ChaosNodeOptions
  readonly #network: NetworkNamespace
  #process: ChildProcess | undefined
  #output = ''
  /** Exits that nobody has asked for. */
  readonly crashes: string[] = []
  #isExpectedToRun = false

  private constructor(options: ChaosNodeOptions, network: NetworkNamespace) {
    this.#options = options
    this.#network = network
    this.name = `node-${options.number}`
    this.hasMemoryFile = options.hasMemoryFile
  }

  static async create(options: ChaosNodeOptions): Promise<ChaosNode> {
    const node = new ChaosNode(
      options,
      await NetworkNamespace.create(options.number, options.hasWeather),
    )
    try {
      if (options.hasMemoryFile) {
        await mkdir(node.#disk, { recursive: true })
        const size = `size=${DISK_MEGABYTES}m`
        await run('mount', ['-t', 'tmpfs', '-o', size, 'memshard-chaos', node.#disk])
      }
      await node.start()
    } catch (error) {
      await node[Symbol.asyncDispose]()
      throw error
    }
    return node
  }

  /** As a line of the file of nodes. */
  get line(): string {
    return `${this.#network.address}:11211 ${this.name}`
  }

  get pid(): number | undefined {
    return this.#isExpectedToRun ? this.#process?.pid : undefined
  }

  async start(): Promise<void> {
    const { threads, hasMemoryFile } = this.#options
    const args = ['-u', 'root', '-l', this.#network.address, '-p', '11211', '-U', '0']
    args.push('-m', String(MEMORY_MEGABYTES), '-t', String(threads), '--trusted-network')
    if (hasMemoryFile) args.push('-e', join(this.#disk, 'items'))
    const [file, all] = this.#network.command(MEMSHARD_SERVER, args)
    const child = spawn(file, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    this.#output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-2000)
      })
    }
    this.#isExpectedToRun = true
    child.once('exit', (code, signal) => {
      if (!this.#isExpectedToRun || this.#process !== child) return
      this.#isExpectedToRun = false
      this.crashes.push(`${this.name} ended with ${signal ?? code}: ${this.#output}`)
    })
    await this.#answers()
  }

  /** Ends it, and waits until it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#isExpectedToRun = false
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exited
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  cut(): Promise<void> {
    return this.#network.cut()
  }

  join(): Promise<void> {
    return this.#network.join()
  }

  /** Of its link; undefined if that has none. */
  get weather(): PacketLink | undefined {
    return this.#network.weather
  }

  /** Leaves no room on its disk. */
  async fillDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#disk)
    // The last block may be needed for the file's own sake.
    await writeFile(this.#filler, Buffer.alloc(bavail * bsize)).catch((error) => {
      if (error.code !== 'ENOSPC') throw error
    })
  }

  async freeDisk(): Promise<void> {
    await rm(this.#filler, { force: true })
  }

  /** What it makes of a memory file that there is no room for: the exit code, or undefined if it serves. */
  async startWithoutRoom(): Promise<{ readonly code: number | undefined; readonly said: string }> {
    await rm(join(this.#disk, 'items'), { force: true })
    await this.fillDisk()
    this.#isExpectedToRun = false
    const crashesBefore = this.crashes.length
    const started = await this.start().then(
      () => true,
      () => false,
    )
    this.crashes.length = crashesBefore
    return {
      code: started ? undefined : (this.#process?.exitCode ?? undefined),
      said: this.#output,
    }
  }

  get #disk(): string {
    return join(this.#options.directory, this.name)
  }

  get #filler(): string {
    return join(this.#disk, 'filler')
  }

  /** @throws Error when it ends, or does not answer in time. */
  async #answers(): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS
    while (!(await canConnect(this.#network.address))) {
      if (this.#process?.exitCode !== null || this.#process.signalCode !== null) {
        this.#isExpectedToRun = false
        throw new Error(`${this.name} ended before it served: ${this.#output}`)
      }
      if (performance.now() > deadline) throw new Error(`${this.name} does not answer`)
      await sleep(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw()
    await this.end('SIGKILL')
    await this.#network[Symbol.asyncDispose]()
    if (this.hasMemoryFile) await run('umount', [this.#disk]).catch(() => {})
  }
}

function canConnect(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 11211, timeout: 1000 })
    const settle = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
    socket.once('connect', () => socket.write('version\r\n'))
    socket.once('data', () => settle(true))
  })
}
