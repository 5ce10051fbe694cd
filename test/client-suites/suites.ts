// Test suites that other people have written for their clients of memcached: where each comes from, how it is run, and how
// its output names what failed. Knows no server: a suite finds one at 127.0.0.1:11211, as its authors do.

export interface ClientSuite {
  readonly name: string
  /** Debian's source package. */
  readonly source: string
  /** Debian packages that it runs on. */
  readonly packages: readonly string[]
  /** Shell commands, in the source's directory, before it is first run. */
  readonly build?: string
  /** A shell command, in the source's directory. */
  readonly run: string
  /** How many tests there were, in its output. */
  readonly count: RegExp
  /** The name of one that failed; matches every such line. */
  readonly failed: RegExp
}

/** perl's `prove`, by files. */
const PROVE = {
  count: /^Files=\d+, Tests=(\d+)/m,
  failed: /^(t\/\S+) +\(Wstat: (?!0 )/gm,
}

const DJANGO_SETTINGS = `
from test_sqlite import *
LIBRARIES = 'django.core.cache.backends.memcached.'
CACHES = {
    'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'},
    'pylibmc': {'BACKEND': LIBRARIES + 'PyLibMCCache', 'LOCATION': '127.0.0.1:11211'},
    'pymemcache': {'BACKEND': LIBRARIES + 'PyMemcacheCache', 'LOCATION': '127.0.0.1:11211'},
}
`

export const CLIENT_SUITES: readonly ClientSuite[] = [
  {
    name: 'libmemcached',
    source: 'libmemcached',
    packages: ['cmake', 'g++', 'bison', 'flex', 'libsasl2-dev', 'libevent-dev', 'memcached'],
    build: `mkdir -p build && cd build &&
      cmake .. -DBUILD_TESTING=ON -DCMAKE_BUILD_TYPE=Release && make -j2 runtests`,
    // It starts the servers it asks, MEMCACHED_BINARY, with flags of its own. One test never ends, whatever the server.
    run: `cd build && ./test/runtests '~[!hide]' '~memcached_regression_lp1630615'`,
    count: /^(?:test cases: +|All tests passed \(\d+ assertions? in )(\d+)/m,
    failed: /^\S+\/test\/tests\/(\S+?):\d+: FAILED:/gm,
  },
  {
    name: 'pylibmc',
    source: 'pylibmc',
    packages: ['python3-pylibmc', 'python3-pytest'],
    // Away from the source, which has not been compiled: the installed library is tested.
    run: `rm -rf alone && mkdir alone && cp -r tests alone/ && cd alone && /usr/bin/python3 -m pytest -q -rfE tests`,
    count: /^(?:\d+ failed, )?(\d+) passed/m,
    failed: /^(?:FAILED|ERROR) (\S+)/gm,
  },
  {
    name: 'Cache::Memcached::Fast',
    source: 'libcache-memcached-fast-perl',
    packages: ['libcache-memcached-fast-perl', 'libtest2-suite-perl', 'perl'],
    run: 'prove -It t/',
    ...PROVE,
  },
  {
    name: 'Cache::Memcached',
    source: 'libcache-memcached-perl',
    packages: ['libcache-memcached-perl', 'perl'],
    run: 'prove -It t/',
    ...PROVE,
  },
  {
    name: 'Memcached::libmemcached',
    source: 'libmemcached-libmemcached-perl',
    packages: ['libmemcached-libmemcached-perl', 'perl'],
    run: 'PERL_LIBMEMCACHED_TEST_SERVERS=127.0.0.1:11211 prove -It/lib -It t/',
    ...PROVE,
  },
  {
    name: 'Django',
    source: 'python-django',
    packages: ['python3-django', 'python3-pylibmc', 'python3-pymemcache'],
    run: `cd tests && cat > over_memcached.py <<'SETTINGS' && PYTHONPATH=.. /usr/bin/python3 runtests.py --settings=over_memcached --parallel=1 cache sessions_tests
${DJANGO_SETTINGS}
SETTINGS`,
    count: /^Ran (\d+) tests/m,
    failed: /^(?:FAIL|ERROR): (\S+)/gm,
  },
]
