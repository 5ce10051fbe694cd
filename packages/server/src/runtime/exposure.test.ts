import { describe, expect, test } from 'vitest'
import { parseCommandLine } from './command-line.ts'
import { exposureWarning } from './exposure.ts'

function warningFor(line: string): string | undefined {
  const argv = line === '' ? [] : line.split(' ')
  const command = parseCommandLine(argv, { MEMCACHED_SASL_PWDB: '/etc/passwords' }, 1000)
  if (command.kind !== 'serve') throw new Error(JSON.stringify(command))
  return exposureWarning(command.settings)
}

describe('whoever can reach it may use it, which is warned of', () => {
  test.each([
    ['', 'any address of this machine, port 11211'],
    // That somebody chose an address doesn't mean that he knows what it opens.
    ['-l 0.0.0.0', '0.0.0.0, port 11211'],
    ['-l 10.0.0.1:11311', '10.0.0.1, port 11311'],
    ['-l ::', '::, port 11211'],
    ['-l cache.example', 'cache.example, port 11211'],
    ['-l 127.0.0.1,10.0.0.1', '10.0.0.1, port 11211'],
    ['-p 0 -U 11211', 'UDP any address of this machine, port 11211'],
    ['-Z -o ssl_chain_cert=c', 'any address of this machine, port 11211'],
    ['-Z -o ssl_chain_cert=c,ssl_verify_mode=1', 'any address'],
    ['-Z -o ssl_chain_cert=c,ssl_verify_mode=2 -l 10.0.0.1,notls:10.0.0.2', '10.0.0.2, port 11211'],
  ])('%s', (line, where) => {
    const warning = warningFor(line)
    expect(warning).toContain(where)
    expect(warning).toContain('--trusted-network')
    expect(warning).not.toMatch(/127\.0\.0\.1, port|10\.0\.0\.1, port 11211, 10/)
  })
})

describe('is not warned of', () => {
  test.each([
    ['this machine alone', '-l 127.0.0.1'],
    ['all of its own addresses', '-l 127.1.2.3,::1,localhost'],
    ['a unix socket', '-s /run/memshard.sock'],
    ['logins of the text protocol', '-Y users'],
    ['logins by SASL', '-S'],
    ['certificates of clients', '-Z -o ssl_chain_cert=c,ssl_verify_mode=2'],
    [
      'certificates of clients where they are demanded',
      '-Z -o ssl_chain_cert=c -l mtls:10.0.0.1,127.0.0.1',
    ],
    ['a network that is said to be trusted', '--trusted-network'],
  ])('%s', (_, line) => {
    expect(warningFor(line)).toBeUndefined()
  })
})
