// Commands of Redis that are sent together: those for different keys at once, those for the same in turn. Knows that commands have
// keys, and not what they do.
import { ArgumentError } from '../errors.ts'
import { keysOf, pairsOf, type RedisKey } from './ioredis-arguments.ts'
import type { RedisCommands } from './ioredis-commands.ts'
import { refuseOn } from './ioredis-refusals.ts'

export type CommandName = Exclude<keyof RedisCommands, symbol>
export type PipelineResult = [error: Error | null, result?: unknown]

type Chained = {
  [Name in CommandName]: (...args: Parameters<RedisCommands[Name]>) => Pipeline
}
type Method = (...args: unknown[]) => Promise<unknown>

// Its commands are put on the prototype below, as they are on that of ioredis.
const WithCommands = Object as unknown as new () => Chained

export class Pipeline extends WithCommands {
  readonly #commands: RedisCommands
  readonly #queue: [name: CommandName, args: unknown[], callback: unknown][] = []

  constructor(commands: RedisCommands, queued: readonly (readonly [string, ...unknown[]])[] = []) {
    super()
    this.#commands = commands
    for (const [name, ...args] of queued) {
      const command = Reflect.get(this, name.toLowerCase())
      if (typeof command !== 'function') throw new ArgumentError(`${name} is no command`)
      Reflect.apply(command, this, args)
    }
  }

  get length(): number {
    return this.#queue.length
  }

  /** Error and result of each, in their order. It isn't atomic: others may come between. */
  exec(
    callback?: (error: Error | null, results: PipelineResult[]) => void,
  ): Promise<PipelineResult[]> {
    const before = new Map<string, Promise<unknown>>()
    const results = this.#queue.splice(0).map(([name, args, callback]) => {
      const keys = keysOfCommand(name, args)
      const awaited = keys.map((key) => before.get(key)).filter((promise) => promise !== undefined)
      const result = this.#run(name, args, awaited)
      for (const key of keys) before.set(key, result)
      if (typeof callback === 'function') {
        void result.then(([error, value]) => process.nextTick(callback as Method, error, value))
      }
      return result
    })
    const all = Promise.all(results)
    if (callback !== undefined) void all.then((told) => process.nextTick(callback, null, told))
    return all
  }

  /** Puts a command of ours on the prototype. */
  static define(name: CommandName): void {
    Object.defineProperty(Pipeline.prototype, name, {
      value(this: Pipeline, ...args: unknown[]): Pipeline {
        const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
        this.#queue.push([name, args, callback])
        return this
      },
    })
  }

  async #run(
    name: CommandName,
    args: unknown[],
    before: readonly Promise<unknown>[],
  ): Promise<PipelineResult> {
    if (before.length > 0) await Promise.all(before)
    try {
      return [null, await (this.#commands[name] as Method).apply(this.#commands, args)]
    } catch (error) {
      return [error as Error]
    }
  }
}

refuseOn(Pipeline.prototype)

const OF_MANY_KEYS: readonly CommandName[] = ['mget', 'del', 'unlink', 'exists']

function keysOfCommand(name: CommandName, args: readonly unknown[]): string[] {
  if (name === 'flushdb' || name === 'ping') return []
  if (name === 'mset') return pairsOf(args).map(([key]) => String(key))
  if (OF_MANY_KEYS.includes(name)) return keysOf(args as RedisKey[]).map(String)
  return [String(args[0])]
}
