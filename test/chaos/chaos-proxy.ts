// `memshard proxy` before all nodes, and what can befall it. Knows the process; what goes through it is for the load to say.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { REPOSITORY } from '../repository.ts'
import { between } from './random.ts'

const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')
const PORT = 11311
const START_DEADLINE_MS = 60_000

export class ChaosProxy implements AsyncDisposable {
  readonly address = `127.0.0.1:${PORT}`
  readonly #nodes: string
  readonly crashes: string[] = []
  #process: ChildProcess | undefined
  #isExpectedToRun = false

  /** `nodes`: a file that lists them. */
  constructor(nodes: string) {
    this.#nodes = nodes
  }

  get pid(): number | undefined {
    return this.#isExpectedToRun ? this.#process?.pid : undefined
  }

  async start(): Promise<void> {
    const file = `${this.#nodes}.yml`
    await writeFile(file, this.#configuration)
    const all = [MEMSHARD, 'proxy', '--config', file]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-2000)
    })
    this.#process = child
    this.#isExpectedToRun = true
    child.once('exit', (code, signal) => {
      if (!this.#isExpectedToRun || this.#process !== child) return
      this.#isExpectedToRun = false
      this.crashes.push(`the proxy ended with ${signal ?? code}: ${output}`)
    })
    const deadline = performance.now() + START_DEADLINE_MS
    while (!(await takesConnections())) {
      if (!this.#isExpectedToRun) throw new Error(`the proxy ended before it served: ${output}`)
      if (performance.now() > deadline) throw new Error(`the proxy does not answer: ${output}`)
      await sleep(20)
    }
  }

  /** As patient as the clients that go to the nodes themselves, and less so than who asks the proxy. */
  get #configuration(): string {
    return `listen: ${this.address}
pools:
  main:
    nodes: "file:${this.#nodes}"
    timeout: 250
    connectTimeout: 250
    probe: { min: 50, max: 1000 }
`
  }

  /** Something happens to it, until it is well again. Resolves to what it was. */
  async suffer(random: () => number): Promise<string> {
    if (random() < 0.4) {
      this.#process?.kill('SIGSTOP')
      await sleep(between(random, 100, 3000))
      this.#process?.kill('SIGCONT')
      return 'the proxy frozen (SIGSTOP)'
    }
    const signal = random() < 0.5 ? 'SIGKILL' : 'SIGTERM'
    await this.#end(signal)
    await sleep(between(random, 0, 1500))
    await this.start()
    return `the proxy ended (${signal}) and started again`
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#isExpectedToRun = false
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill('SIGCONT')
    await this.#end('SIGKILL')
  }
}

function takesConnections(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: PORT, host: '127.0.0.1' })
    const settle = (taken: boolean): void => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
