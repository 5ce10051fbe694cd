import { describe, expect, test } from 'vitest'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { DEFAULT_SETTINGS, type Settings } from './settings.ts'
import type { Environment } from './settings-draft.ts'

const MIB = 1024 * 1024
const SOME_USER = 1000

/** Parses a command line written as in a shell, without quotes. */
function parse(line: string, env: Environment = {}, userId = SOME_USER): CommandLine {
  return parseCommandLine(line.split(' ').filter(Boolean), env, userId)
}

function serve(line: string, env: Environment = {}): CommandLine & { kind: 'serve' } {
  const result = parse(line, env)
  if (result.kind !== 'serve') throw new Error(`"${line}": ${JSON.stringify(result)}`)
  return result
}

function settingsOf(line: string, env: Environment = {}): Settings {
  return serve(line, env).settings
}

function refusal(line: string, env: Environment = {}): CommandLine & { kind: 'refuse' } {
  const result = parse(line, env)
  if (result.kind !== 'refuse') throw new Error(`"${line}" was not refused`)
  return result
}

function printed(line: string): string {
  const result = parse(line)
  if (result.kind !== 'print') throw new Error(`"${line}" prints nothing`)
  return result.text
}

test('without arguments, the settings are the defaults', () => {
  expect(serve('')).toEqual({ kind: 'serve', settings: DEFAULT_SETTINGS, warnings: [] })
})

describe('a flag sets its setting', () => {
  test.each<[string, Partial<Settings>]>([
    ['-m 100', { memoryLimitBytes: 100 * MIB }],
    ['-M', { evictionsEnabled: false }],
    ['-C', { casEnabled: false }],
    ['-c 77', { maxConnections: 77 }],
    ['-t 2', { threads: 2 }],
    ['-f 1.1', { growthFactor: 1.1 }],
    ['-n 100', { minimumItemSpaceBytes: 100 }],
    ['-b 33', { listenBacklog: 33 }],
    ['-B ascii', { bindingProtocol: 'ascii' }],
    ['-B auto', {}],
    ['-B binary', { bindingProtocol: 'binary' }],
    ['-A', { shutdownCommandEnabled: true }],
    ['-F', { flushEnabled: false }],
    ['-X', { dumpEnabled: false }],
    ['-W', { watchEnabled: false }],
    ['-D /', { statsPrefixDelimiter: '/', statsDetailEnabled: true }],
    ['-a 0755', { unixSocketMask: 0o755 }],
    ['-d', { daemonize: true }],
    ['-P /run/cache.pid', { pidFile: '/run/cache.pid' }],
    ['-u nobody', { user: 'nobody' }],
    ['-U 0', {}],
    ['--transport node', { transport: 'node' }],
    ['--transport epoll', { transport: 'epoll' }],
    ['-R 5', { requestsPerEvent: 5 }],
    ['-I 512k', { maxItemSizeBytes: 512 * 1024 }],
    ['-I 2M', { maxItemSizeBytes: 2 * MIB }],
    ['-I 2097152', { maxItemSizeBytes: 2 * MIB }],
    ['-m 2048 -I 1024m', { memoryLimitBytes: 2048 * MIB, maxItemSizeBytes: 1024 * MIB }],
    ['-o idle_timeout=20', { idleTimeoutSeconds: 20 }],
    ['-k', { memoryLocked: true }],
    ['-L', { largePagesWanted: true }],
    ['-R 30', { requestsPerEvent: 30 }],
    ['-Y /etc/users', { authFile: '/etc/users', bindingProtocol: 'ascii' }],
    ['-r', { coreDumpsEnabled: true }],
  ])('%s', (line, expected) => {
    expect(settingsOf(line)).toEqual({ ...DEFAULT_SETTINGS, ...expected })
  })
})

describe('flags may be written in every way that getopt reads', () => {
  test.each<[string, Partial<Settings>]>([
    ['-m64 -t8', { threads: 8 }],
    ['-c77 -MC', { maxConnections: 77, evictionsEnabled: false, casEnabled: false }],
    ['-dMt8', { daemonize: true, evictionsEnabled: false, threads: 8 }],
    ['-d -m 128', { daemonize: true, memoryLimitBytes: 128 * MIB }],
    ['--memory-limit=128', { memoryLimitBytes: 128 * MIB }],
    ['--memory-limit 128 --threads=1', { memoryLimitBytes: 128 * MIB, threads: 1 }],
    ['--slab-growth-factor=2 --slab-min-size=8', { growthFactor: 2, minimumItemSpaceBytes: 8 }],
    ['--disable-cas --disable-evictions', { casEnabled: false, evictionsEnabled: false }],
    ['-t 2 -t 3', { threads: 3 }],
    ['-v', { verbosity: 1, logLevel: 'info' }],
    ['-vv', { verbosity: 2, logLevel: 'debug' }],
    ['-vvv', { verbosity: 3, logLevel: 'trace' }],
    ['-v -v --verbose -v', { verbosity: 4, logLevel: 'trace' }],
    [
      '-o idle_timeout=2,track_sizes -o hashpower=20',
      { idleTimeoutSeconds: 2, sizeTrackingEnabled: true, hashPowerInitial: 20 },
    ],
  ])('%s', (line, expected) => {
    expect(settingsOf(line)).toEqual({ ...DEFAULT_SETTINGS, ...expected })
  })
})

describe('where to listen', () => {
  const everywhere = (port: number) => [{ host: undefined, port }]

  test('on every interface, at the port of -p', () => {
    expect(settingsOf('-p11311')).toMatchObject({ tcpPort: 11311, tcpAddresses: everywhere(11311) })
    expect(settingsOf('--port=11311').tcpAddresses).toEqual(everywhere(11311))
  })

  test('-p -1 lets the system choose, which stats settings shows as -1', () => {
    expect(settingsOf('-p -1')).toMatchObject({ tcpPort: -1, tcpAddresses: everywhere(0) })
  })

  test('-l takes lists, may be repeated, and its addresses get the port even of a later -p', () => {
    expect(settingsOf('-l 127.0.0.1,[::1]:11311 -l 127.0.0.2 -p 11411')).toMatchObject({
      interfacesAsGiven: '127.0.0.1,[::1]:11311,127.0.0.2',
      tcpAddresses: [
        { host: '127.0.0.1', port: 11411 },
        { host: '::1', port: 11311 },
        { host: '127.0.0.2', port: 11411 },
      ],
    })
  })

  test('PORT from the environment stands in for an absent -p', () => {
    expect(settingsOf('', { PORT: '5000' })).toMatchObject({
      tcpPort: 5000,
      tcpAddresses: everywhere(5000),
    })
    expect(settingsOf('-p 11311', { PORT: '5000' }).tcpPort).toBe(11311)
    expect(settingsOf('', { PORT: '' }).tcpPort).toBe(11211)
    expect(refusal('', { PORT: 'http' }).message).toMatch(/PORT.*environment.*"http"/)
  })

  test('a unix socket turns TCP and UDP off', () => {
    expect(serve('-s /tmp/cache.sock')).toMatchObject({
      settings: { unixSocketPath: '/tmp/cache.sock', tcpAddresses: [], tcpPort: 11211 },
      warnings: [],
    })
    expect(settingsOf('-s /tmp/cache.sock -p 0').tcpAddresses).toEqual([])
    expect(serve('-s /tmp/cache.sock -l 127.0.0.1').warnings).toEqual([
      expect.stringContaining('-p, -U and -l have no effect'),
    ])
    expect(settingsOf('-s /tmp/cache.sock -U 11311').udpAddresses).toEqual([])
  })

  test('-p 0 turns TCP off, with a warning if nothing else is there to connect to', () => {
    expect(serve('-p 0 -l 127.0.0.1:11311')).toMatchObject({
      settings: { tcpPort: 0, tcpAddresses: [], udpAddresses: [] },
      warnings: [expect.stringContaining('nobody can connect')],
    })
    expect(serve('-p 0 -U 11311').warnings).toEqual([])
  })

  test('-U turns UDP on, and without -p the TCP port is the same', () => {
    expect(settingsOf('')).toMatchObject({ udpPort: 0, udpAddresses: [] })
    expect(settingsOf('-U 11311')).toMatchObject({
      udpPort: 11311,
      udpAddresses: everywhere(11311),
      tcpPort: 11311,
      tcpAddresses: everywhere(11311),
    })
    expect(settingsOf('-U 11311 -p 11411')).toMatchObject({
      udpAddresses: everywhere(11311),
      tcpAddresses: everywhere(11411),
    })
    expect(settingsOf('-U 11311 -p 0')).toMatchObject({ tcpPort: 0, tcpAddresses: [] })
    expect(settingsOf('-U 11311', { PORT: '5000' })).toMatchObject({ tcpPort: 5000 })
    expect(settingsOf('-U -1')).toMatchObject({
      udpPort: -1,
      udpAddresses: everywhere(0),
      tcpPort: -1,
      tcpAddresses: everywhere(0),
    })
  })

  test('-l is for UDP too, and a port that stands in it goes for both', () => {
    expect(settingsOf('-l 127.0.0.1,[::1]:11511 -p 11411 -U 11311')).toMatchObject({
      tcpAddresses: [
        { host: '127.0.0.1', port: 11411 },
        { host: '::1', port: 11511 },
      ],
      udpAddresses: [
        { host: '127.0.0.1', port: 11311 },
        { host: '::1', port: 11511 },
      ],
    })
  })

  test('MEMCACHED_PORT_FILENAME names the file that is told the ports', () => {
    expect(settingsOf('', { MEMCACHED_PORT_FILENAME: '/tmp/ports' }).portFile).toBe('/tmp/ports')
  })
})

describe('LOG_LEVEL goes before -v', () => {
  test.each([
    ['', 'debug', 'debug'],
    ['-vvv', 'error', 'error'],
    ['-v', 'SILENT', 'silent'],
    ['-v', '', 'info'],
  ])('"%s" with LOG_LEVEL=%s', (line, level, expected) => {
    expect(settingsOf(line, { LOG_LEVEL: level }).logLevel).toBe(expected)
  })

  test('an unknown level is no reason not to serve', () => {
    const { settings, warnings } = serve('-v', { LOG_LEVEL: 'loud' })
    expect(settings.logLevel).toBe('info')
    expect(warnings).toEqual([expect.stringContaining('"loud"')])
  })
})

describe('a wrong value is refused with a sentence that names the flag, and an exit code', () => {
  const OUT_OF_RANGE = 1
  const USAGE = 64
  test.each([
    ['-c 0', OUT_OF_RANGE],
    ['-c many', OUT_OF_RANGE],
    ['-t 0', OUT_OF_RANGE],
    ['-t -1', OUT_OF_RANGE],
    ['-t 257', OUT_OF_RANGE],
    ['-t 1.5', OUT_OF_RANGE],
    ['-R 0', OUT_OF_RANGE],
    ['-R -1', OUT_OF_RANGE],
    ['-f 1', OUT_OF_RANGE],
    ['-f 0.9', OUT_OF_RANGE],
    ['-f abc', OUT_OF_RANGE],
    ['-f 1e999', OUT_OF_RANGE],
    ['-n 0', OUT_OF_RANGE],
    ['-n abc', OUT_OF_RANGE],
    ['-N 0', OUT_OF_RANGE],
    ['-D é', OUT_OF_RANGE],
    ['-b abc', OUT_OF_RANGE],
    ['-m abc', USAGE],
    ['-m 0', USAGE],
    ['-m 64m', USAGE],
    ['-m -5', USAGE],
    ['-m 32768', USAGE],
    ['-m 100000000', USAGE],
    ['-p abc', USAGE],
    ['-p 99999', USAGE],
    ['-p -2', USAGE],
    ['-U 70000', USAGE],
    ['-U -2', USAGE],
    ['-I 1000', USAGE],
    ['-I 1g', USAGE],
    ['-I 33m', USAGE],
    ['-I 1500k', USAGE],
    ['-I 300k', USAGE],
    ['-I x', USAGE],
    ['-m 4096 -I 1025m', USAGE],
    ['-a 999', USAGE],
    ['-a 7777', USAGE],
    ['-B foo', USAGE],
    ['-l 127.0.0.1:abc', USAGE],
    ['-l [::1', USAGE],
    ['-l ::::', USAGE],
    ['-l ,', USAGE],
    ['--transport carrier-pigeon', USAGE],
  ])('%s', (line, exitCode) => {
    const refused = refusal(line)
    const flag = line.split(' ').at(-2) as string
    expect(refused).toMatchObject({ exitCode, message: expect.stringContaining(flag) })
    expect(refused.message).toMatch(/^[A-Za-z-].*\.$/)
  })

  test('an empty value is none', () => {
    for (const flag of ['-p', '-m', '-s', '-u', '-P', '-l', '-D', '-I']) {
      expect(parseCommandLine([flag, ''], {}).kind).toBe('refuse')
    }
  })
})

describe('SASL (-S)', () => {
  const env = { MEMCACHED_SASL_PWDB: '/etc/memcached.pwdb' }

  test.each(['-S', '--enable-sasl', '-S -B binary', '-B ascii -S -B binary'])(
    '%s is for the binary protocol',
    (line) => {
      expect(settingsOf(line, env)).toMatchObject({
        saslEnabled: true,
        saslPasswordFile: '/etc/memcached.pwdb',
        bindingProtocol: 'binary',
      })
    },
  )

  test.each(['-S -B auto', '-S -B ascii', '-S -Y /etc/cache.auth', '-B binary -S -B ascii'])(
    '%s is refused',
    (line) => {
      expect(refusal(line, env)).toMatchObject({
        exitCode: 64,
        message: 'ERROR: You cannot allow the ASCII protocol while using SASL.',
      })
    },
  )

  test('is not for UDP', () => {
    expect(refusal('-S -U 11211', env)).toMatchObject({
      exitCode: 64,
      message: 'ERROR: Cannot enable UDP while using binary SASL authentication.',
    })
  })

  test('needs the file of those who may log in', () => {
    expect(refusal('-S')).toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('MEMCACHED_SASL_PWDB'),
    })
  })
})

describe('what is not there yet says so', () => {
  test.each(['-o ext_path=/tmp/ext:1G', '-o proxy_config=routes.lua'])('%s', (line) => {
    expect(refusal(line)).toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('not there yet'),
    })
  })
})

describe('an unknown flag is refused by its name', () => {
  test.each([
    ['-z', '-z'],
    ['-Cz', '-z'],
    ['-C5', '-5'],
    ['--bogus', '--bogus'],
    ['--bogus=1', '--bogus'],
    ['--thraed=4', '--threads'],
    ['--dis', '--disable-evictions'],
    ['-m', '--memory-limit'],
    ['--memory-limit', '--memory-limit'],
  ])('%s', (line, named) => {
    expect(refusal(line)).toMatchObject({ exitCode: 1, message: expect.stringContaining(named) })
  })
})

describe('what has no effect is accepted with a warning', () => {
  test.each(['-N 2', '-t 65', '-D ab', 'extra'])('%s', (line) => {
    expect(serve(line).warnings).toHaveLength(1)
  })

  test('root should be someone else', () => {
    expect(parse('', {}, 0)).toMatchObject({ warnings: [expect.stringContaining('-u <user>')] })
    expect(parse('-u cache', {}, 0)).toMatchObject({ kind: 'serve', warnings: [] })
    expect(parse('', {}, SOME_USER)).toMatchObject({ kind: 'serve', warnings: [] })
  })
})

describe('what only prints', () => {
  test('-h lists every flag in the manner of memcached', () => {
    const help = printed('-h')
    expect(printed('--help')).toBe(help)
    for (const line of [
      '-p, --port=<num>          TCP port to listen on',
      '-s, --unix-socket=<file>  unix socket to listen on',
      '-vv',
      '-D <char>                 ',
      '-o, --extended=<list>     ',
      '   - idle_timeout:        ',
      '--transport=<name>        ',
    ]) {
      expect(help).toContain(line)
    }
    const letters = [...help.matchAll(/^-(\w)\b/gm)].map(([, letter]) => letter)
    expect(letters.toSorted().join('')).toBe('ABCDFILMNPRSUVWXYZabcdefhiklmnoprstuv')
  })

  // memcached's own test-suite runs the tests of a feature when the help mentions it.
  test.each(['ext_path', 'proxy_config', 'no_drop_privileges'])(
    '-h does not promise %s',
    (word) => {
      expect(printed('-h').toLowerCase()).not.toContain(word)
    },
  )

  test('-V gives the version of memcached on its first line, where scripts look for it', () => {
    expect(printed('-V')).toMatch(/^memcached 1\.6\.45\nmemshard-server \d+\.\d+\.\d+\n$/)
    expect(printed('--version')).toBe(printed('-V'))
  })

  test('-i prints the licence', () => {
    expect(printed('-i')).toMatch(/^MIT License/)
    expect(printed('--license')).toBe(printed('-i'))
  })

  test('the first of several wins, and none of them needs settings that hold together', () => {
    expect(printed('-V -h')).toBe(printed('-V'))
    expect(printed('-m 1 -h')).toBe(printed('-h'))
  })
})
