// The commands and options of `memshard`, and what each is for. Knows commander and the words of the help; what
// the commands do is in the files that are named after them.
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ControlRequest } from '../formation/control-socket.ts'
import { count, get, remove, store, touch, type WriteFlags } from './key-commands.ts'
import { type KeysOptions, listKeys } from './keys.ts'
import { flush, invalidate, locate, ping, ring, stats } from './pool-commands.ts'
import type { ProxyFlags } from './proxy.ts'
import type { Run } from './session.ts'
import type { Surroundings } from './surroundings.ts'
import type { TopFlags } from './top.ts'
import type { UpFlags } from './up.ts'
import { watch } from './watch.ts'

export interface GlobalOptions {
  readonly servers: string
  readonly timeout: number
  readonly json: boolean
}

export const DEFAULT_SERVERS = '127.0.0.1:11211'
const DEFAULT_TIMEOUT_MS = 1000
export const DEFAULT_LISTEN = '127.0.0.1:11311'
// Of a formation. Not in up.ts, which is loaded for it alone.
const DEFAULT_FILE = '.memshard-nodes'
export const DEFAULT_PORT = 11211
const DEFAULT_MEMORY = 64

/** A command about the pool, or a program that makes its own of what it is given. */
export type Chosen =
  | { readonly run: Run; readonly options: GlobalOptions }
  | { readonly program: (surroundings: Surroundings) => Promise<number> }

/**
 * Reads the command line. Returns undefined when it has printed all there is to say, as help.
 * @throws CommanderError for nonsense.
 */
export function chooseCommand({ argv, env, version, out, err }: Surroundings): Chosen | undefined {
  let run: Run | undefined
  let other: ((surroundings: Surroundings) => Promise<number>) | undefined
  const program = new Command('memshard')
    .description('Asks and changes a pool of memcached nodes.')
    .version(version)
    .option(
      '-s, --servers <list>',
      'nodes, as a,b:11212,[::1]:11211,/path; from MEMCACHE_SERVERS otherwise',
      env.MEMCACHE_SERVERS || DEFAULT_SERVERS,
    )
    .option('--timeout <ms>', 'for every call', positive, DEFAULT_TIMEOUT_MS)
    .option('--json', 'JSON instead of tables and bare values', false)
    .showHelpAfterError('(memshard --help tells more)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 not there (a miss, not stored), 2 wrong usage, 3 a node failed.',
    )
    .configureOutput({ writeOut: (text) => void out(text), writeErr: err })
    .exitOverride()

  const ttl = new Option('-t, --ttl <seconds>', 'time to live; 0 is for ever').argParser(natural)
  const initial = new Option('-i, --initial <n>', 'create a missing counter with this').argParser(
    bigNatural,
  )
  const command = (usage: string, description: string): Command =>
    program.command(usage).description(description)

  command('get <keys...>', 'print the value; of several keys, which there are').action(
    (keys: string[]) => {
      run = get(keys)
    },
  )
  for (const mode of ['set', 'add'] as const) {
    command(
      `${mode} <key> <value>`,
      mode === 'set' ? 'store the value; - reads it from stdin' : 'the same unless the key exists',
    )
      .addOption(ttl)
      .action((key: string, value: string, options: WriteFlags) => {
        run = store(mode, key, value, options)
      })
  }
  command('delete <keys...>', 'delete the items').action((keys: string[]) => {
    run = remove(keys)
  })
  command('touch <key> <seconds>', 'set the time to live').action(
    (key: string, seconds: string) => {
      run = touch(key, seconds)
    },
  )
  for (const direction of ['incr', 'decr'] as const) {
    command(
      `${direction} <key> [by]`,
      direction === 'incr' ? 'add to a counter' : 'subtract from a counter',
    )
      .addOption(initial)
      .addOption(ttl)
      .action((key: string, by: string | undefined, options: WriteFlags) => {
        run = count(direction, key, by, options)
      })
  }
  command(
    'stats [kind]',
    'statistics of every node: general, or items, slabs, settings ...',
  ).action((kind: string | undefined) => {
    run = stats(kind)
  })
  command('keys', 'every key of every node, unordered')
    .option('-l, --long', 'with node, size, time to live and last access')
    .option('-p, --prefix <text>', 'those that begin so')
    .option('-n, --limit <n>', 'so many at most', natural)
    .action((options: KeysOptions) => {
      run = listKeys(options)
    })
  command('ring', 'the share of the keys that each node has').action(() => {
    run = ring()
  })
  command('locate <keys...>', 'the node that each key lives on').action((keys: string[]) => {
    run = locate(keys)
  })
  command('ping', 'whether each node answers, and how fast').action(() => {
    run = ping()
  })
  command('watch [kinds...]', 'follow fetchers, mutations, evictions, connevents ...').action(
    (kinds: string[]) => {
      run = watch(kinds)
    },
  )
  command('top', 'a dashboard of the nodes; without a terminal one report')
    .option('-i, --interval <seconds>', 'between samples', seconds, 1)
    .option('--once', 'one report, of two samples', false)
    .action((flags: TopFlags) => {
      run = async (session) => (await import('./top.ts')).runTop(flags, session)
    })
  command('invalidate <prefix>', 'drop everything whose key begins so, at once').action(
    (prefix: string) => {
      run = invalidate(prefix)
    },
  )
  command('flush', 'drop all items of all nodes')
    .option('-y, --yes', 'I mean it', false)
    .action((options: { yes: boolean }) => {
      run = flush(options)
    })

  command('proxy', 'a memcached port in front of the pool, for clients in any language')
    .option('-c, --config <file>', 'pools, routes, replication and shadows; read again on SIGHUP')
    .option('-l, --listen <address...>', `host:port or /path; ${DEFAULT_LISTEN} otherwise`, [])
    .option('--workers <n>', 'processes that share the work; one uses one core', positive)
    .option('--admin <address>', 'metrics and health by HTTP, at a port of loopback or host:port')
    .option('--compat <client>', 'place keys as libmemcached, twemproxy, dalli, pymemcache ... do')
    .option('--hash-tag <characters>', 'place keys by what stands between two, as {}')
    .option('--on-node-down <policy>', 'miss, rehash or error')
    .option('-q, --quiet', 'say nothing of nodes that come and go', false)
    .action((flags: ProxyFlags) => {
      const { servers, timeout } = program.opts<GlobalOptions>()
      const isGiven = program.getOptionValueSource('timeout') === 'cli'
      // Loaded when it is needed: it is no small part.
      other = async (surroundings) => {
        const { runProxy } = await import('./proxy.ts')
        return runProxy(flags, servers, isGiven ? timeout : undefined, surroundings)
      }
    })

  command('up [arguments...]', 'run a formation of nodes here; what follows -- is for each of them')
    .option('-n, --nodes <n>', 'so many', positive, 3)
    .option('-m, --memory <megabytes>', 'of each node', positive, DEFAULT_MEMORY)
    .option('--threads <n>', 'of each node', positive)
    .option('--host <host>', 'that they listen on', '127.0.0.1')
    .option(
      '-p, --port <port>',
      `of the first; others have the next (PORT, or ${DEFAULT_PORT})`,
      positive,
    )
    .addOption(nodesFile())
    .option('--command <command>', 'another server, as: memcached -p {port} -m {memory}')
    .action((further: string[], flags: UpFlags) => {
      other = async (surroundings) => (await import('./up.ts')).runUp(flags, further, surroundings)
    })
  const ofFormation = (usage: string, description: string): Command =>
    command(usage, description).addOption(nodesFile())
  const asks = (request: ControlRequest, { file }: { file: string }): void => {
    const { json } = program.opts<GlobalOptions>()
    other = async (surroundings) =>
      (await import('./up.ts')).askFormation(request, { file, json }, surroundings)
  }
  ofFormation('scale <n>', 'have so many nodes in the formation').action(
    (count: string, flags: { file: string }) => asks({ ask: 'scale', count: Number(count) }, flags),
  )
  ofFormation('restart <node>', 'take a node of the formation down and up again').action(
    (node: string, flags: { file: string }) => asks({ ask: 'restart', node }, flags),
  )
  ofFormation('status', 'the nodes of the formation').action((flags: { file: string }) =>
    asks({ ask: 'status' }, flags),
  )
  ofFormation('down', 'end the formation').action((flags: { file: string }) =>
    asks({ ask: 'stop' }, flags),
  )

  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (isPrinted(error)) return undefined
    throw error
  }
  if (other !== undefined) return { program: other }
  return run === undefined ? undefined : { run, options: program.opts<GlobalOptions>() }
}

/** Those who ask a formation for something find it by its list of nodes. */
function nodesFile(): Option {
  return new Option('-f, --file <file>', 'where the list of nodes is kept').default(DEFAULT_FILE)
}

function isPrinted(error: unknown): boolean {
  return error instanceof Error && 'exitCode' in error && error.exitCode === 0
}

function natural(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('give a whole number from 0 on')
}

function positive(text: string): number {
  const number = natural(text)
  if (number > 0) return number
  throw new InvalidArgumentError('give a whole number above 0')
}

function seconds(text: string): number {
  const number = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (number >= 0.1 && number <= 3600) return number
  throw new InvalidArgumentError('give seconds from 0.1 to 3600')
}

function bigNatural(text: string): bigint {
  if (/^\d{1,20}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError('give a whole number from 0 to 2^64-1')
}
