// A network of its own for a node: a namespace with one link to ours, which can be taken down, so that packets are lost
// without anybody being told. The link is the kernel's, or one that has weather. To be used in a namespace that nobody else is in (main.ts): what is made here ends with it.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { PacketLink } from './packet-link.ts'

const run = promisify(execFile)

export class NetworkNamespace implements AsyncDisposable {
  /** Of the node within. */
  readonly address: string
  readonly #link: string
  /** Keeps the namespace, whatever becomes of the node. */
  readonly #holder: ChildProcess

  /** Undefined: the kernel's own. */
  #weather: PacketLink | undefined

  private constructor(number: number, holder: ChildProcess) {
    this.address = addressOf(number, 2)
    this.#link = `node${number}`
    this.#holder = holder
  }

  static async create(number: number, hasWeather: boolean): Promise<NetworkNamespace> {
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 1000000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    const namespace = new NetworkNamespace(number, holder)
    const ours = `ours${number}`
    if (hasWeather && holder.pid !== undefined) {
      namespace.#weather = await PacketLink.create(holder.pid, ours, namespace.#link)
    } else {
      await run('ip', [
        ...['link', 'add', ours, 'type', 'veth'],
        ...['peer', 'name', namespace.#link, 'netns', String(holder.pid)],
      ])
    }
    await run('ip', ['address', 'add', `${addressOf(number, 1)}/30`, 'dev', ours])
    await run('ip', ['link', 'set', ours, 'up'])
    await namespace.#inside('ip', [
      'address',
      'add',
      `${namespace.address}/30`,
      'dev',
      namespace.#link,
    ])
    await namespace.#inside('ip', ['link', 'set', 'lo', 'up'])
    await namespace.#inside('ip', ['link', 'set', namespace.#link, 'up'])
    return namespace
  }

  /** The command line that runs another one within. */
  command(file: string, args: readonly string[]): readonly [file: string, args: readonly string[]] {
    return ['nsenter', ['--net', '--target', String(this.#holder.pid), file, ...args]]
  }

  /** From here on nothing reaches the node, and nothing comes from it. */
  async cut(): Promise<void> {
    await this.#inside('ip', ['link', 'set', this.#link, 'down'])
  }

  async join(): Promise<void> {
    await this.#inside('ip', ['link', 'set', this.#link, 'up'])
  }

  get weather(): PacketLink | undefined {
    return this.#weather
  }

  async #inside(file: string, args: readonly string[]): Promise<void> {
    const [command, all] = this.command(file, args)
    await run(command, all)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#weather?.[Symbol.dispose]()
    this.#holder.kill('SIGKILL')
    await run('ip', ['link', 'delete', `ours${this.#link.slice('node'.length)}`]).catch(() => {})
  }
}

/** Of the network of 4 addresses that a node has. */
function addressOf(number: number, host: number): string {
  return `10.211.${number}.${host}`
}
