import { expect, test } from 'vitest'
import { parseCommandLine } from './command-line.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { describeSettings } from './settings-report.ts'

/** What `stats settings` of memcached 1.6.45 prints for its defaults, without the lines of a TLS build. */
const DEFAULT_REPORT = `
maxbytes 67108864
maxconns 1024
tcpport 11211
udpport 0
inter NULL
verbosity 0
oldest 0
evictions on
domain_socket NULL
umask 700
shutdown_command no
growth_factor 1.25
chunk_size 48
num_threads 4
num_threads_per_udp 4
stat_key_prefix :
detail_enabled no
reqs_per_event 20
cas_enabled yes
tcp_backlog 1024
binding_protocol auto-negotiate
auth_enabled_sasl no
auth_enabled_ascii no
item_size_max 1048576
maxconns_fast yes
hashpower_init 0
slab_reassign yes
slab_automove 1
slab_automove_ratio 0.80
slab_automove_window 10
slab_chunk_max 524288
lru_crawler yes
lru_crawler_sleep 100
lru_crawler_tocrawl 0
tail_repair_time 0
flush_enabled yes
dump_enabled yes
hash_algorithm murmur3
lru_maintainer_thread yes
lru_segmented yes
hot_lru_pct 20
warm_lru_pct 40
hot_max_factor 0.20
warm_max_factor 2.00
temp_lru no
temporary_ttl 61
idle_timeout 0
watcher_logbuf_size 262144
worker_logbuf_size 65536
read_buf_mem_limit 0
track_sizes no
inline_ascii_response no
num_napi_ids (null)
memory_file (null)
client_flags_size 4
`

function report(line: string): Record<string, string> {
  const result = parseCommandLine(line.split(' '), {})
  if (result.kind !== 'serve') throw new Error(JSON.stringify(result))
  return Object.fromEntries(describeSettings(result.settings))
}

test('the defaults are reported as memcached reports them', () => {
  const lines = describeSettings(DEFAULT_SETTINGS).map((pair) => pair.join(' '))
  expect(lines).toEqual(DEFAULT_REPORT.trim().split('\n'))
})

// Each expectation is what memcached 1.6.18 prints for the same flags.
test.each<[string, Record<string, string>]>([
  ['-l 127.0.0.1;127.0.0.2', { inter: '127.0.0.1;127.0.0.2', num_threads_per_udp: '4' }],
  ['-l 127.0.0.1 -l 127.0.0.2', { inter: '127.0.0.1,127.0.0.2', num_threads_per_udp: '1' }],
  ['-p -1 -l 127.0.0.1:11311', { tcpport: '-1', inter: '127.0.0.1:11311' }],
  ['-s /tmp/a.sock -a 0755', { tcpport: '11211', domain_socket: '/tmp/a.sock', umask: '755' }],
  [
    '-M -A -C -F -X',
    {
      evictions: 'off',
      shutdown_command: 'yes',
      cas_enabled: 'no',
      flush_enabled: 'no',
      dump_enabled: 'no',
    },
  ],
  [
    '-D / -vvv -B ascii',
    { stat_key_prefix: '/', detail_enabled: 'yes', verbosity: '3', binding_protocol: 'ascii' },
  ],
  ['-f 1.1 -n 100 -R 5', { growth_factor: '1.10', chunk_size: '100', reqs_per_event: '5' }],
  [
    '-b 33 -c 77 -t 2 -m 100',
    {
      tcp_backlog: '33',
      maxconns: '77',
      num_threads: '2',
      num_threads_per_udp: '2',
      maxbytes: '104857600',
    },
  ],
  ['-I 2m -o no_chunked_items', { item_size_max: '2097152', slab_chunk_max: '524288' }],
  ['-o temporary_ttl=30', { temp_lru: 'yes', temporary_ttl: '30' }],
  [
    '-o hot_max_factor=0.127,slab_automove_ratio=0.5',
    { hot_max_factor: '0.13', slab_automove_ratio: '0.50' },
  ],
  [
    '-o read_buf_mem_limit=10,watcher_logbuf_size=100',
    { read_buf_mem_limit: '10485760', watcher_logbuf_size: '102400' },
  ],
  [
    '-o no_modern',
    {
      maxconns_fast: 'no',
      slab_reassign: 'no',
      slab_automove: '0',
      slab_chunk_max: '1048576',
      lru_crawler: 'no',
      hash_algorithm: 'jenkins',
      lru_maintainer_thread: 'no',
      lru_segmented: 'no',
    },
  ],
])('%s', (line, expected) => {
  expect(report(line)).toMatchObject(expected)
})

test('the time of the last flush is the one the server knows', () => {
  expect(Object.fromEntries(describeSettings(DEFAULT_SETTINGS, 17)).oldest).toBe('17')
})
