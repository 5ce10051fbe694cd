// What of memcached's suite is not expected to pass, and why. Nothing else may fail, and whatever is listed
// here and does pass has to be taken off.

/** The version of memcached whose suite the lists below are about. */
export const SUITE_VERSION = '1.6.18'

/** Files that run no test here: each finds that out itself and says so. */
export const SKIPS_ITSELF: Readonly<Record<string, string>> = {
  'binary-extstore.t': 'extstore',
  'binary-sasl.t':
    "runs only when asked (RUN_SASL_TESTS), on the Cyrus library's password database",
  'chunked-extstore.t': 'extstore',
  'error-extstore.t': 'extstore',
  'extstore-buckets.t': 'extstore',
  'extstore-jbod.t': 'extstore',
  'extstore.t': 'extstore',
  'proxy.t': 'the Lua proxy',
  'misbehave.t': "needs a build with seccomp; Debian's memcached has none either",
  'issue_140.t': 'skips itself everywhere',
  'issue_260.t': 'skips itself everywhere',
  'refhang.t': 'skips itself everywhere',
  'slabhang.t': 'skips itself everywhere',
  'whitespace.t': "looks at memcached's sources in git",
}

/** Files about TLS, which a memcached without it (Debian's) skips. They need Perl's IO::Socket::SSL. */
export const ABOUT_TLS = /^ssl_.*\.t$/

/** An assertion about a reply that memcached answers differently in later versions. */
export interface ChangedReply {
  readonly file: string
  /** The line of the assertion in the file. */
  readonly line: number
  readonly name: string
  /** How many of the file's assertions are of that line and name; default 1. */
  readonly times?: number
  /** The version from which on memcached answers as we do. */
  readonly since: string
  /** What it answered, and what it answers now. */
  readonly reason: string
}

export const CHANGED_REPLIES: readonly ChangedReply[] = [
  {
    file: 'cas.t',
    line: 73,
    name: 'cas empty, throw error',
    since: '1.6.40',
    reason: '`cas` without its number: `CLIENT_ERROR bad command line format` instead of `ERROR`',
  },
  {
    file: 'flush-all.t',
    line: 101,
    name: 'failed to set value after flush with no CAS at least once',
    since: '1.6.25',
    reason: '`flush_all` spares what is stored after it in the same second, also with `-C`',
  },
  {
    file: 'issue_3.t',
    line: 17,
    name: 'invalid delete',
    since: '1.6.40',
    reason: '`delete key 10` deletes, instead of being an error with a usage',
  },
  {
    file: 'issue_3.t',
    line: 28,
    name: 'Failed to add after failed silent delete.',
    since: '1.6.40',
    reason: '`delete key 10 noreply` deletes',
  },
  {
    file: 'lru-crawler.t',
    line: 80,
    name: 'metadump all returns all items',
    since: '1.6.43',
    reason: 'a dump begins with the line `OK`, which the test counts as an item',
  },
  {
    file: 'lru-crawler.t',
    line: 122,
    name: 'metadump hash returns all items',
    since: '1.6.43',
    reason: 'a dump begins with the line `OK`, which the test counts as an item',
  },
  {
    file: 'metaget.t',
    line: 118,
    name: 'error from blank command',
    since: '1.6.40',
    reason: 'an empty line: `CLIENT_ERROR bad command line format` instead of `ERROR`',
  },
  {
    file: 'shutdown.t',
    line: 15,
    name: 'error when shutdown is not enabled',
    since: '1.6.40',
    reason: '`SERVER_ERROR: shutdown not enabled` instead of `ERROR: ...`',
  },
  {
    file: 'stats.t',
    line: 33,
    name: 'expected count of stats values',
    since: '1.6.45',
    reason: '84 statistics instead of 83',
  },
  {
    file: 'slabs-reassign2.t',
    line: 102,
    name: 'some reassign evictions happened',
    since: '1.6.45',
    reason:
      'a page move evicts from the LRU, which counts in `evictions`: `slab_reassign_evictions_nomem` is gone',
  },
  {
    file: 'slabs-reassign-chunked.t',
    line: 140,
    name: 'some reassign evictions happened',
    since: '1.6.45',
    reason:
      '`slab_reassign_evictions_nomem` is gone: `evictions` and `slab_reassign_busy_nomem` tell',
  },
]
