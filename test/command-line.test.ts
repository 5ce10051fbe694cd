// Holds our command line against that of the memcached on this machine: the same wrong flags are refused
// with the same exit code, and the same right ones make the same settings.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { beforeEach, describe, expect, test } from 'vitest'
import { MEMSHARD_SERVER, type RunningNode, startNode } from './nodes.ts'

const memcachedIsInstalled = spawnSync('memcached', ['-V']).status === 0

beforeEach(({ skip }) => skip(!memcachedIsInstalled, 'memcached is not installed here'))

interface Outcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a server with flags that make it end by itself. */
function run(server: string, line: string): Outcome {
  const flags = ['-u', 'root', ...line.split(' ')]
  const { status, stdout, stderr } = spawnSync(server, flags, { encoding: 'utf8', timeout: 10_000 })
  return { exitCode: status, stdout, stderr }
}

describe('memcached and we refuse the same flags with the same exit code', () => {
  test.each([
    '-c 0',
    '-c x',
    '-t 0',
    '-t -1',
    '-R 0',
    '-f 1',
    '-f abc',
    '-n 0',
    '-N 0',
    '-m abc',
    '-m 0',
    '-p 99999',
    '-U 70000',
    '-I 512',
    '-I 1g',
    '-I 33m',
    '-I 1500k',
    '-I 300k',
    '-B foo',
    '-S -B ascii',
    '-z',
    '-C5',
    '-m',
    '--memory-limit',
    '--bogus',
    '-o bogus',
    '-o track_sizes,,modern',
    '-o hashpower',
    '-o hashpower=5',
    '-o slab_chunk_max=300',
    '-o hot_lru_pct=90',
    '-o hot_lru_pct=50,warm_lru_pct=50',
    '-o hot_max_factor=0',
    '-o slab_automove=3',
    '-o slab_automove_ratio=2',
    '-o slab_automove_window=2',
    '-o slab_sizes=100-50',
    '-o tail_repair_time=5',
    '-o hash_algorithm=md5',
    '-o lru_crawler_sleep=2000000',
    '-o idle_timeout',
    '-o temporary_ttl',
    '-o temporary_ttl=5,no_lru_maintainer',
  ])('%s', (line) => {
    const ours = run(MEMSHARD_SERVER, line)
    expect(ours.exitCode).toBe(run('memcached', line).exitCode)
    expect(ours.exitCode).toBeGreaterThan(0)
    expect(ours.stderr).not.toBe('')
    expect(ours.stdout).toBe('')
  })
})

test.each(['-h', '-V', '-i'])('memcached and we print something for %s and exit well', (flag) => {
  for (const server of [MEMSHARD_SERVER, 'memcached']) {
    const { exitCode, stdout, stderr } = run(server, flag)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(flag === '-V' ? /^memcached 1\.\d+\.\d+\n/ : /\S/)
  }
})

describe('the same flags make the same settings', () => {
  /** What depends on the node's port, and what changed after the memcached that Debian has. */
  const EXPECTED_DIFFERENCES = new Set(['tcpport', 'slab_automove_window'])

  async function statsSettings(node: RunningNode): Promise<Map<string, string>> {
    const socket = connect(node.port, node.host).setEncoding('latin1')
    let text = ''
    socket.on('data', (data: string) => {
      text += data
      if (text.endsWith('END\r\n')) socket.end()
    })
    socket.write('stats settings\r\n')
    await once(socket, 'close')
    return new Map(
      [...text.matchAll(/^STAT (\S+) (.*)\r$/gm)].map(([, key, value]) => [key, value]),
    )
  }

  test.each([
    '-U 0',
    '-m 100 -c 77 -t 2 -f 1.1 -n 100 -b 33 -B ascii',
    '-M -C -A -F -X -W -D /',
    '-I 2m -o no_modern',
    '-CFvvm64 -R5',
    '--thr 2 --memory-l=100 --disable-c --max-r 7 --conn 99 --verb=2',
    '-o temporary_ttl=30,idle_timeout=20,track_sizes,hashpower=20,hot_max_factor=0.127',
  ])('%s', async (line) => {
    const args = line.split(' ')
    await using ours = await startNode({ args })
    await using theirs = await startNode({ server: 'memcached', args })
    const expected = await statsSettings(theirs)
    const actual = await statsSettings(ours)

    // memcached has lines for what it was built with and we have not: TLS, external storage.
    const common = [...expected.keys()].filter((key) => actual.has(key))
    expect(common).toEqual([...actual.keys()].filter((key) => key !== 'client_flags_size'))
    for (const key of common.filter((name) => !EXPECTED_DIFFERENCES.has(name))) {
      expect(`${key} ${actual.get(key)}`).toBe(`${key} ${expected.get(key)}`)
    }
  })
})
