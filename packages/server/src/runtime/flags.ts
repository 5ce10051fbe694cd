// The flags of the command line: how each is spelt, what the help says of it, and what it does.
// Knows memcached's flags by heart; parses none of them.
// Long because it is one table, and memcached has as many.
import { parseAdminAddress } from './admin-address.ts'
import { applyExtendedOptions } from './extended-options.ts'
import {
  byteSize,
  CommandLineError,
  decimalAbove,
  EX_USAGE,
  nonEmpty,
  wholeNumber,
} from './option-values.ts'
import { parseAdvertised, parseEtcdUrl } from './registration-settings.ts'
import type { Settings, TransportChoice } from './settings.ts'
import { portNumber, type SettingsDraft } from './settings-draft.ts'

export interface Flag {
  /** As commander reads it: `-m, --memory-limit <num>`. */
  readonly spelling: string
  /** Absent for a flag of memcached's that is refused. */
  readonly help?: string
  /** What it sets without looking at a value. */
  readonly sets?: Partial<Settings>
  /** `value` is empty for a flag that takes none. */
  readonly effect?: (draft: SettingsDraft, value: string) => void
}

const MIB = 1024 * 1024
/** Beyond this many threads memcached warns; beyond `MAX_THREADS` nothing good can come of it. */
const MANY_THREADS = 64
const MAX_THREADS = 256
const TRANSPORTS: readonly TransportChoice[] = ['auto', 'uring', 'epoll', 'node']

export const FLAGS: readonly Flag[] = [
  {
    spelling: '-p, --port <num>',
    help: 'TCP port to listen on; -1: any free one, 0: none\n(default: PORT from the environment, else 11211)',
    effect: (draft, value) => {
      draft.settings.tcpPort = portNumber('The TCP port (-p)', value)
      draft.tcpPortGiven = true
    },
  },
  {
    spelling: '-U, --udp-port <num>',
    help: 'UDP port to listen on; -1: any free one (default: 0, off)\nwithout -p, the TCP port is the same',
    effect: ({ settings }, value) => {
      settings.udpPort = portNumber('The UDP port (-U)', value)
    },
  },
  {
    spelling: '-s, --unix-socket <file>',
    help: 'unix socket to listen on (disables the network)',
    effect: ({ settings }, value) => {
      settings.unixSocketPath = nonEmpty('The unix socket (-s)', value)
    },
  },
  {
    spelling: '-a, --unix-mask <mask>',
    help: 'access mask of the unix socket, in octal (default: 700)',
    effect: ({ settings }, value) => {
      if (!/^0*[0-7]{1,3}$/.test(value)) {
        throw new CommandLineError(
          `The unix socket's mask (-a) must be an octal number up to 777, not "${value}".`,
          EX_USAGE,
        )
      }
      settings.unixSocketMask = Number.parseInt(value, 8)
    },
  },
  {
    spelling: '-A, --enable-shutdown',
    help: 'enable the ascii "shutdown" command',
    sets: { shutdownCommandEnabled: true },
  },
  {
    spelling: '-l, --listen <addr>',
    help: 'address to listen on: <host>, <host>:<port>, [<ipv6>]:<port> or *;\nseveral by commas or by repeating the flag (default: *)',
    effect: ({ settings }, value) => {
      const given = settings.interfacesAsGiven
      settings.interfacesAsGiven = given === undefined ? value : `${given},${value}`
    },
  },
  {
    spelling: '-d, --daemon',
    help: 'run as a daemon',
    sets: { daemonize: true },
  },
  {
    spelling: '-r, --enable-coredumps',
    help: 'maximize the core file limit',
    sets: { coreDumpsEnabled: true },
  },
  {
    spelling: '-u, --user <user>',
    help: 'assume the identity of <user> (only when run as root)',
    effect: ({ settings }, value) => {
      settings.user = nonEmpty('The user (-u)', value)
    },
  },
  {
    spelling: '-m, --memory-limit <num>',
    help: 'item memory in megabytes (default: 64)',
    effect: ({ settings }, value) => {
      const megabytes = wholeNumber('The memory limit in megabytes (-m)', value, {
        min: 1,
        exitCode: EX_USAGE,
      })
      settings.memoryLimitBytes = megabytes * MIB
    },
  },
  {
    spelling: '-e, --memory-file <file>',
    help: 'keep the items in <file>, best on a ram disk (tmpfs): the next start finds\nthem again, however this process ends',
    effect: ({ settings }, value) => {
      settings.memoryFile = nonEmpty('The memory file (-e)', value)
    },
  },
  {
    spelling: '-M, --disable-evictions',
    help: 'return an error when memory is full instead of evicting',
    sets: { evictionsEnabled: false },
  },
  {
    spelling: '-c, --conn-limit <num>',
    help: 'max simultaneous connections (default: 1024)',
    effect: ({ settings }, value) => {
      settings.maxConnections = wholeNumber('Maximum connections (-c)', value, { min: 1 })
    },
  },
  {
    spelling: '-k, --lock-memory',
    help: "lock down the cache's memory",
    sets: { memoryLocked: true },
  },
  {
    spelling: '-v, --verbose',
    help: 'log connections that fail; -vv: each connection, -vvv: each request with\nits key (never a value)',
    effect: ({ settings }) => {
      settings.verbosity++
    },
  },
  {
    spelling: '-h, --help',
    help: 'print this help and exit',
    effect: (draft) => {
      draft.print ??= 'help'
    },
  },
  {
    spelling: '-i, --license',
    help: 'print the licence and exit',
    effect: (draft) => {
      draft.print ??= 'licence'
    },
  },
  {
    spelling: '-V, --version',
    help: 'print the version and exit',
    effect: (draft) => {
      draft.print ??= 'version'
    },
  },
  {
    spelling: '-P, --pidfile <file>',
    help: 'save the PID in <file>',
    effect: ({ settings }, value) => {
      settings.pidFile = nonEmpty('The PID file (-P)', value)
    },
  },
  {
    spelling: '-f, --slab-growth-factor <num>',
    help: 'chunk size growth factor (default: 1.25)',
    effect: ({ settings }, value) => {
      settings.growthFactor = decimalAbove('The slab growth factor (-f)', value, 1)
    },
  },
  {
    spelling: '-n, --slab-min-size <bytes>',
    help: 'min space used for key+value+flags (default: 48)',
    effect: ({ settings }, value) => {
      settings.minimumItemSpaceBytes = wholeNumber('The chunk size (-n)', value, { min: 1 })
    },
  },
  {
    spelling: '-L, --enable-largepages',
    help: 'use large memory pages for items, if the system offers them: cheaper\nwith much memory, but its first use waits for each page',
    sets: { largePagesWanted: true },
  },
  {
    spelling: '-D <char>',
    help: "use <char> as the delimiter between key prefixes and IDs, and count\nby prefix at once, as after 'stats detail on' (default: :)",
    effect: (draft, value) => {
      if (!/^[!-~]/.test(value)) {
        throw new CommandLineError(
          `The prefix delimiter (-D) must be a printable ascii character, not "${value}".`,
        )
      }
      if (value.length > 1) warn(draft, `The prefix delimiter (-D) is "${value[0]}" alone.`)
      draft.settings.statsPrefixDelimiter = value[0]
      draft.settings.statsDetailEnabled = true
    },
  },
  {
    spelling: '-t, --threads <num>',
    help: 'number of threads to use (default: 4)',
    effect: (draft, value) => {
      const threads = wholeNumber('The number of threads (-t)', value, {
        min: 1,
        max: MAX_THREADS,
      })
      if (threads > MANY_THREADS) {
        warn(draft, `${threads} threads (-t) are many: the number of cores or less is best.`)
      }
      draft.settings.threads = threads
    },
  },
  {
    spelling: '-R, --max-reqs-per-event <num>',
    help: 'requests of a connection before those that wait have their turn\n(default: 20)',
    effect: ({ settings }, value) => {
      settings.requestsPerEvent = wholeNumber('The requests per event (-R)', value, { min: 1 })
    },
  },
  {
    spelling: '-C, --disable-cas',
    help: 'disable use of CAS',
    sets: { casEnabled: false },
  },
  {
    spelling: '-b, --listen-backlog <num>',
    help: 'set the backlog queue limit (default: 1024)',
    effect: ({ settings }, value) => {
      settings.listenBacklog = wholeNumber('The listen backlog (-b)', value, { min: 0 })
    },
  },
  {
    spelling: '-B, --protocol <name>',
    help: 'protocol: one of ascii, binary, or auto (default: auto)',
    effect: (draft, value) => {
      if (value !== 'auto' && value !== 'ascii' && value !== 'binary') {
        throw new CommandLineError(
          `The protocol (-B) must be one of auto, binary, or ascii, not "${value}".`,
          EX_USAGE,
        )
      }
      draft.settings.bindingProtocol = value
      draft.protocolGiven = true
    },
  },
  {
    spelling: '-Y, --auth-file <file>',
    help: 'let only those in who are in the file, user:password on each line\n(ascii protocol alone; read again on SIGHUP)',
    effect: ({ settings }, value) => {
      settings.authFile = nonEmpty('The authentication file (-Y)', value)
    },
  },
  {
    spelling: '-S, --enable-sasl',
    help: 'turn on SASL authentication: PLAIN, by the file of MEMCACHED_SASL_PWDB\n(binary protocol alone)',
    sets: { saslEnabled: true },
  },
  {
    spelling: '-I, --max-item-size <num>',
    help: 'max item size, with the suffix k or m (default: 1m, min: 1k, max: 1024m)',
    effect: ({ settings }, value) => {
      settings.maxItemSizeBytes = byteSize('The item size limit (-I)', value)
    },
  },
  {
    spelling: '-F, --disable-flush-all',
    help: 'disable the flush_all command',
    sets: { flushEnabled: false },
  },
  {
    spelling: '-X, --disable-dumping',
    help: 'disable the commands that list keys',
    sets: { dumpEnabled: false },
  },
  {
    spelling: '-W, --disable-watch',
    help: 'disable the watch command',
    sets: { watchEnabled: false },
  },
  {
    spelling: '-N, --napi-ids <num>',
    help: 'accepted without effect: connections are not dealt out by NAPI id',
    effect: (draft, value) => {
      wholeNumber('The number of NAPI ids (-N)', value, { min: 1 })
      warn(draft, '-N has no effect: connections are not dealt out by NAPI id.')
    },
  },
  {
    spelling: '--transport <name>',
    help: 'how to talk to sockets: auto, uring, epoll or node (default: auto)',
    effect: ({ settings }, value) => {
      const transport = TRANSPORTS.find((known) => known === value)
      if (transport === undefined) {
        throw new CommandLineError(
          `The transport (--transport) must be one of ${TRANSPORTS.join(', ')}, not "${value}".`,
          EX_USAGE,
        )
      }
      settings.transport = transport
    },
  },
  {
    spelling: '-Z, --enable-ssl',
    help: 'serve TCP over TLS: needs -o ssl_chain_cert=<file> and -o ssl_key=<file>;\n-l notls:<addr> stays in clear text, -l mtls:<addr> demands certificates\n(files are read again on SIGHUP and by refresh_certs)',
    effect: (draft) => {
      draft.tlsEnabled = true
    },
  },
  {
    spelling: '--healthcheck',
    help: 'ask the server that these flags have started whether it serves, and exit:\n0 if so, 1 if not',
    effect: (draft) => {
      draft.healthcheck = true
    },
  },
  {
    spelling: '--snapshot <file>',
    help: 'write the items to <file> when the server stops (SIGTERM, SIGINT, SIGUSR1),\nthe hottest first; the next start reads them, and removes it',
    effect: ({ settings }, value) => {
      settings.snapshotFile = nonEmpty('The snapshot (--snapshot)', value)
    },
  },
  {
    spelling: '--snapshot-seconds <num>',
    help: 'how long writing the snapshot may take at most (default: 20)',
    effect: ({ settings }, value) => {
      settings.snapshotSeconds = wholeNumber(
        'The time for a snapshot (--snapshot-seconds)',
        value,
        {
          min: 1,
          max: 86_400,
          exitCode: EX_USAGE,
        },
      )
    },
  },
  {
    spelling: '--admin <addr>',
    help: 'serve /metrics, /healthz, /readyz and a page for people by HTTP on\n<host>:<port>, *:<port>, or a port of this machine',
    effect: ({ settings }, value) => {
      settings.adminAddress = parseAdminAddress(value)
    },
  },
  {
    spelling: '--admin-token-file <file>',
    help: 'the bearer token of those who may invalidate keys there, and see keys\nfrom another machine (read again on SIGHUP)',
    effect: ({ settings }, value) => {
      settings.adminTokenFile = nonEmpty('The admin token file (--admin-token-file)', value)
    },
  },
  {
    spelling: '--admin-nodes <list>',
    help: 'the nodes that the page shows as one formation: <host>:<port>,...\nfile:<path> or etcd://<host>:<port>[/<prefix>]',
    effect: ({ settings }, value) => {
      settings.adminNodes = nonEmpty('The nodes of the formation (--admin-nodes)', value)
    },
  },
  {
    spelling: '--register <url>',
    help: 'register the node where clients discover it, for as long as it lives:\netcd://[user:password@]host[:port][,host[:port]][/prefix][?ttl=seconds],\netcds:// for TLS',
    effect: (draft, value) => {
      draft.etcd = parseEtcdUrl(value)
    },
  },
  {
    spelling: '--register-as <addr>',
    help: 'the address that clients reach it by (default: that of -l, if it is one)',
    effect: (draft, value) => {
      draft.advertised = parseAdvertised(value)
    },
  },
  {
    spelling: '--trusted-network',
    help: 'who can reach the server may use it: no warning that no login is asked for',
    sets: { networkTrusted: true },
  },
  {
    spelling: '-o, --extended <list>',
    help: 'comma separated list of these options:',
    effect: applyExtendedOptions,
  },
]

function warn(draft: SettingsDraft, sentence: string): void {
  draft.warnings.push(sentence)
}
