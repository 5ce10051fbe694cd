// What happens to nodes as the npm package `memcached` tells it: issues, failures and reconnections, each with the details
// of its server so far. Knows the events of a client, no call.
import type { EventEmitter } from 'node:events'
import type { Client } from '../client.ts'
import type { NodeInfo } from '../options.ts'

export interface IssueDetails {
  /** `host:port`. */
  readonly server: string
  /** Port and host, as texts. */
  readonly tokens: readonly string[]
  readonly messages: readonly string[]
  /** Failures that are left before the server is dead. Only while it isn't. */
  readonly failures?: number
  readonly totalFailures?: number
  /** The following only when it is dead, or was just now. */
  readonly totalReconnectsAttempted?: number
  readonly totalReconnectsSuccess?: number
  readonly totalReconnectsFailed?: number
  /** Milliseconds. */
  readonly totalDownTime?: number
}

export interface MemcachedEvents {
  issue: [details: IssueDetails]
  failure: [details: IssueDetails]
  reconnecting: [details: IssueDetails]
  reconnect: [details: IssueDetails]
  /** With the option `remove`. */
  remove: [details: IssueDetails]
}

/** No more messages than this are kept of a server. */
const MESSAGES_MAX = 100

export function serverOf({ host, port, path }: NodeInfo): string {
  if (path !== '') return path
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Makes the emitter tell of all that happens to the client's nodes from now on. */
export function tellIssues(
  client: Client,
  emitter: EventEmitter<MemcachedEvents>,
  failures: number,
  removes: boolean,
): void {
  const logs = new Map<string, IssueLog>()
  const logOf = (node: NodeInfo): IssueLog => {
    const log = logs.get(node.name) ?? new IssueLog(node, failures)
    logs.set(node.name, log)
    return log
  }
  client.on('disconnect', (node, error) => {
    const log = logOf(node)
    log.failed(error)
    emitter.emit(log.isDead ? 'reconnecting' : 'issue', log.details())
  })
  client.on('eject', (node, error) => {
    const log = logOf(node)
    log.died(error)
    if (removes) emitter.emit('remove', log.details())
    emitter.emit('failure', log.details())
  })
  client.on('return', (node) => {
    const log = logOf(node)
    log.returned()
    emitter.emit('reconnect', log.details())
    logs.delete(node.name)
  })
}

class IssueLog {
  readonly #node: NodeInfo
  readonly #failuresMax: number
  #messages: string[] = []
  #failures = 0
  #attempted = 0
  #succeeded = 0
  #deadSince: number | undefined

  constructor(node: NodeInfo, failuresMax: number) {
    this.#node = node
    this.#failuresMax = failuresMax
  }

  get isDead(): boolean {
    return this.#deadSince !== undefined
  }

  failed(error: Error): void {
    this.#say(error)
    if (this.isDead) this.#attempted++
    else this.#failures++
  }

  died(error: Error): void {
    this.#say(error)
    this.#deadSince = Date.now()
  }

  returned(): void {
    this.#attempted++
    this.#succeeded++
  }

  details(): IssueDetails {
    const { path, host, port } = this.#node
    const common = {
      server: serverOf(this.#node),
      tokens: path === '' ? [String(port), host] : [path],
      messages: [...this.#messages],
    }
    if (this.#deadSince === undefined) {
      const failures = Math.max(0, this.#failuresMax - this.#failures)
      return { ...common, failures, totalFailures: this.#failures }
    }
    return {
      ...common,
      totalReconnectsAttempted: this.#attempted,
      totalReconnectsSuccess: this.#succeeded,
      totalReconnectsFailed: this.#attempted - this.#succeeded,
      totalDownTime: Date.now() - this.#deadSince,
    }
  }

  #say({ message }: Error): void {
    if (this.#messages.at(-1) === message) return
    this.#messages.push(message)
    if (this.#messages.length > MESSAGES_MAX) this.#messages.shift()
  }
}
