// The compiled modules of the server, for programs that run parts of it as its executable doesn't. Knows where they lie
// and as much of their shape as these programs use.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { REPOSITORY } from './repository.ts'

/** Of `src/runtime/`: what makes a server of a command line. */
export interface Runtime {
  parseCommandLine(
    argv: readonly string[],
    env: object,
  ):
    | { readonly kind: 'serve'; readonly settings: ServerSettings }
    | { readonly kind: 'refuse'; readonly message: string }
  createLog(settings: ServerSettings): unknown
  threadsExpected(settings: ServerSettings): 'node' | 'direct'
  directThreadCounts(settings: ServerSettings): { readonly direct: number; readonly secure: number }
  serve(settings: ServerSettings, log: unknown, threads: Threads): Promise<void>
}

export interface Threads {
  readonly for: 'node' | 'direct'
  readonly workers: readonly Worker[]
}

export interface ServerSettings {
  readonly threads: number
}

/** Of `src/cache/`: classes, for their prototypes. */
export interface CacheClasses {
  readonly Cache: Class<{
    find(key: { readonly bytes: Uint8Array }, at: number, length: number, hash: number): number
  }>
  readonly HashTable: Class<{
    insert(item: number, hash: number): void
    replace(old: number, item: number, hash: number): void
  }>
  readonly Maintainer: Class<{ run(): number }>
  readonly Statistics: Class<{ add(counter: number, amount: number): void }>
}

interface Class<Instance> {
  readonly prototype: Instance
}

export async function loadRuntime(): Promise<Runtime> {
  const files = ['command-line', 'log', 'worker-threads', 'serve']
  const modules = await Promise.all(files.map((file) => load(`runtime/${file}.js`)))
  return Object.assign({}, ...modules) as Runtime
}

export async function loadCacheClasses(): Promise<CacheClasses> {
  const files = ['cache', 'hash-table', 'maintainer', 'statistics']
  const modules = await Promise.all(files.map((file) => load(`cache/${file}.js`)))
  return Object.assign({}, ...modules) as CacheClasses
}

/** Threads for these settings that run a module of the test, which runs the server's own. */
export function launchWorkers(
  { threadsExpected, directThreadCounts }: Runtime,
  settings: ServerSettings,
  module: URL,
  optionsOf: (thread: number, threads: number) => WorkerOptions = () => ({}),
): Threads {
  const serving = threadsExpected(settings)
  const { direct, secure } =
    serving === 'node' ? { direct: 0, secure: 1 } : directThreadCounts(settings)
  const threads = direct + secure
  const workers = Array.from(
    { length: threads },
    (_, thread) => new Worker(module, optionsOf(thread, threads)),
  )
  return { for: serving, workers }
}

/** A compiled module, by its path below `dist/`. */
export async function load(path: string): Promise<object> {
  return (await import(
    pathToFileURL(join(REPOSITORY, 'packages/server/dist', path)).href
  )) as object
}
