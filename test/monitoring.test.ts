// What watches memcached gets from ours what it needs: memcached-tool itself, run, and what Prometheus'
// memcached_exporter 0.16 and phpMemcachedAdmin send and read, replayed. Each statistic is of the kind
// that memcached's is.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOAD } from './every-statistic.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { memcachedSource } from './source-package.ts'
import { statistics, Wire } from './wire.ts'

const SERVERS = ['memshard', 'memcached'] as const

interface Watched {
  readonly server: (typeof SERVERS)[number]
  readonly node: RunningNode
}

const without = missing('memcached')
let watched: readonly Watched[] = []

beforeAll(async () => {
  watched = await Promise.all(
    SERVERS.filter((server) => server === 'memshard' || without === undefined).map(
      async (server) => ({ server, node: await startNode({ server }) }),
    ),
  )
  for (const { node } of watched) {
    await using wire = await Wire.connect(node)
    for (const request of LOAD) await wire.ask(request)
  }
})
afterAll(() => Promise.all(watched.map(({ node }) => node.stop('SIGKILL'))))

function nodeOf(server: (typeof SERVERS)[number]): RunningNode {
  const found = watched.find((candidate) => candidate.server === server)
  if (found === undefined) throw new Error(`${server} is not running`)
  return found.node
}

/** What a reader would take a value for. */
function kind(value: string): string {
  if (/^(yes|no)$/.test(value)) return 'yes or no'
  if (/^(on|off)$/.test(value)) return 'on or off'
  if (/^-?\d+$/.test(value)) return 'whole number'
  if (/^-?\d+\.\d+$/.test(value)) return `number of ${value.split('.')[1]!.length} decimals`
  if (/^\d+(\.\d+){2}$/.test(value)) return 'version'
  return 'text'
}

describe('every statistic is of the kind that memcached’s is', () => {
  /** Gone between 1.6.18 and the release we match, or of Debian's build with extstore and TLS. */
  const NOT_OURS = /^(slab_reassign_evictions_nomem|ext_.*|slab_automove_freeratio|ssl_.*)$/
  /** Of another kind on purpose. */
  const OTHERWISE: Readonly<Record<string, string>> = { libevent: 'text' }

  test.for(['', 'settings', 'items', 'slabs', 'sizes', 'conns'])(
    'stats %s',
    async (report, { skip }) => {
      skip(without !== undefined, without)
      const [ours, theirs] = await Promise.all(
        SERVERS.map((server) => statistics(nodeOf(server), report)),
      )
      // Class numbers and descriptors differ, and what is told of each does not.
      const kinds = (report: ReadonlyMap<string, string> = new Map()) =>
        new Map([...report].map(([name, value]) => [name.replace(/\d+:/, 'N:'), kind(value)]))
      const known = kinds(ours)
      const lacking = [...kinds(theirs)].filter(
        ([name, wanted]) => !NOT_OURS.test(name) && known.get(name) !== (OTHERWISE[name] ?? wanted),
      )
      expect(lacking.map(([name, wanted]) => [name, wanted, known.get(name)])).toEqual([])
    },
  )
})

describe.each(SERVERS)('memcached-tool, with %s', (server) => {
  const reason = (server === 'memcached' ? without : undefined) ?? missing('memcached source')
  let program: string

  beforeAll(async () => {
    if (reason !== undefined) return
    program = join((await memcachedSource()).directory, 'scripts', 'memcached-tool')
  })

  async function tool(...mode: readonly string[]): Promise<string[]> {
    const argv = [program, nodeOf(server).address, ...mode]
    const { stdout } = await promisify(execFile)('perl', argv, { timeout: 20_000 })
    return stdout.split(/\r?\n/).filter((line) => line !== '')
  }

  test('display', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const [head, ...classes] = await tool('display')
    expect(head).toMatch(/^ +# +Item_Size +Max_age +Pages +Count +Full\? +Evicted Evict_Time OOM$/)
    expect(classes.length).toBeGreaterThanOrEqual(3)
    for (const line of classes) {
      expect(line).toMatch(/^ *\d+ +[\d.]+[BKM] +\d+s +\d+ +\d+ +(yes|no) +\d+ +\d+ +\d+$/)
    }
    const count = classes.reduce((sum, line) => sum + Number(line.trim().split(/ +/)[4]), 0)
    expect(count).toBe(101)
  })

  test.for(['stats', 'settings'])('%s', async (mode, { skip }) => {
    skip(reason !== undefined, reason)
    const [head, ...lines] = await tool(mode)
    expect(head).toMatch(/^#127\.0\.0\.1:\d+ +Field +Value$/)
    const told = new Map(lines.map((line) => line.trim().split(/\s+/, 2) as [string, string]))
    const known = await statistics(nodeOf(server), mode === 'stats' ? '' : mode)
    for (const name of known.keys()) expect(told.has(name), name).toBe(true)
  })

  test('sizes', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const [head, ...lines] = await tool('sizes')
    expect(head).toMatch(/^#127\.0\.0\.1:\d+ +Size +Count$/)
    expect(lines.map((line) => line.trim().split(/ +/))).toEqual([['sizes_status', 'disabled']])
  })

  test('keys', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const lines = await tool('keys')
    const KEY =
      /^key=\S+ exp=(-1|\d+) la=\d+ cas=\d+ fetch=(yes|no) cls=\d+ size=\d+( flags=\d+ ?)?$/
    const keys = lines.filter((line) => KEY.test(line))
    expect(lines.filter((line) => !KEY.test(line) && line !== 'OK')).toEqual([])
    expect(keys).toHaveLength(101)
  })

  test('dump, as commands that store what is there', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const lines = await tool('dump')
    const added = lines.filter((line) => line.startsWith('add '))
    expect(added).toHaveLength(101)
    expect(added).toContain('add small-7 0 0 5')
    expect(added.find((line) => line.startsWith('add medium-7 '))).toMatch(
      /^add medium-7 7 \d+ 900$/,
    )
  })

  test('move, of a page between classes', async ({ skip }) => {
    skip(reason !== undefined, reason)
    await expect(tool('move', '7', '6')).resolves.toBeDefined()
    await expect(tool('move', '1', '2')).rejects.toThrow(/parameters out of range/)
  })
})

describe.each(SERVERS)('Prometheus’ memcached_exporter, with %s', (server) => {
  const reason = server === 'memcached' ? without : undefined

  /** What it needs to be `memcached_up 1`, and to tell the truth. */
  const GENERAL =
    `version uptime time rusage_user rusage_system bytes_read bytes_written curr_connections
    total_connections rejected_connections conn_yields listen_disabled_num accepting_conns bytes limit_maxbytes
    curr_items total_items evictions reclaimed store_too_large store_no_memory direct_reclaims
    get_hits get_misses delete_hits delete_misses incr_hits incr_misses decr_hits decr_misses cas_hits cas_misses
    cas_badval touch_hits touch_misses cmd_flush cmd_set lru_crawler_starts crawler_reclaimed
    crawler_items_checked moves_to_cold moves_to_warm moves_within_lru`.split(/\s+/)
  const SETTINGS =
    `maxconns lru_crawler_sleep lru_crawler_tocrawl hot_lru_pct warm_lru_pct hot_max_factor
    warm_max_factor`.split(/\s+/)
  const ITEMS = `number age crawler_reclaimed evicted evicted_nonzero evicted_time evicted_unfetched
    expired_unfetched outofmemory reclaimed tailrepairs moves_to_cold moves_to_warm moves_within_lru mem_requested
    number_hot number_warm number_cold age_hot age_warm hits_to_hot hits_to_warm hits_to_cold
    hits_to_temp`.split(/\s+/)
  const SLABS =
    `chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks free_chunks_end
    get_hits delete_hits incr_hits decr_hits cas_hits touch_hits cas_badval cmd_set`.split(/\s+/)

  /** One connection asks for one report after the other, each of whose lines it parses. */
  async function scrape(): Promise<Record<'general' | 'slabs' | 'items' | 'settings', string[]>> {
    await using wire = await Wire.connect(nodeOf(server))
    const ask = async (request: string): Promise<string[]> => {
      wire.send(request)
      const lines = (await wire.readUntil('END\r\n')).toString('latin1').split('\r\n')
      return lines.slice(0, -2)
    }
    return {
      general: await ask('stats\r\n'),
      slabs: await ask('stats slabs\r\n'),
      items: await ask('stats items\r\n'),
      settings: await ask('stats settings\r\n'),
    }
  }

  /** The lines of exactly three fields; the exporter overlooks others. */
  function fields(lines: readonly string[]): ReadonlyMap<string, string> {
    const split = lines.map((line) => line.split(' ')).filter((parts) => parts.length === 3)
    return new Map(split.map(([, name = '', value = '']) => [name, value]))
  }

  /** By class, what is told of it. */
  function byClass(lines: readonly string[], prefix: string): Map<string, Map<string, string>> {
    const classes = new Map<string, Map<string, string>>()
    for (const [name, value] of fields(lines)) {
      const [, id, what] = new RegExp(`^${prefix}(\\d+):(\\w+)$`).exec(name) ?? []
      if (id === undefined || what === undefined) continue
      classes.set(id, (classes.get(id) ?? new Map()).set(what, value))
    }
    return classes
  }

  test('reads what it knows of the server', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const known = fields((await scrape()).general)
    for (const name of GENERAL) {
      const value = known.get(name)
      if (name === 'version') expect(value).toMatch(/^1\.6\.\d+$/)
      else if (name.startsWith('rusage_')) expect(value, name).toMatch(/^\d+\.\d{6}$/)
      else expect(value, name).toMatch(/^\d+$/)
    }
    // Sets that are no cas are what is left of all stores.
    const count = (name: string) => Number(known.get(name))
    const cas = count('cas_hits') + count('cas_misses') + count('cas_badval')
    expect(count('cmd_set') - cas).toBe(103)
  })

  test('reads what it knows of the settings', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const { settings } = await scrape()
    // Stricter than the others: a line without a second space is an error.
    for (const line of settings) expect(line).toMatch(/^STAT \S+ /)
    const known = fields(settings)
    for (const name of SETTINGS) expect(Number(known.get(name)), name).not.toBeNaN()
    for (const name of ['lru_crawler', 'lru_maintainer_thread']) expect(known.get(name)).toBe('yes')
  })

  test('reads what it knows of every class', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const { items, slabs, general } = await scrape()
    const itemClasses = byClass(items, 'items:')
    const slabClasses = byClass(slabs, '')
    expect(itemClasses.size).toBeGreaterThanOrEqual(3)
    expect(slabClasses.size).toBeGreaterThanOrEqual(3)
    for (const [id, known] of itemClasses) {
      for (const name of ITEMS) expect(known.get(name), `items:${id}:${name}`).toMatch(/^\d+$/)
    }
    for (const [id, known] of slabClasses) {
      for (const name of SLABS) expect(known.get(name), `${id}:${name}`).toMatch(/^\d+$/)
    }
    const sum = (classes: typeof slabClasses, name: string) =>
      [...classes.values()].reduce((total, known) => total + Number(known.get(name)), 0)
    expect(sum(itemClasses, 'number')).toBe(Number(fields(general).get('curr_items')))
    expect(sum(slabClasses, 'get_hits')).toBe(Number(fields(general).get('get_hits')))
    expect(Number(fields(slabs).get('total_malloced'))).toBeGreaterThan(0)
    expect(Number(fields(slabs).get('active_slabs'))).toBe(slabClasses.size)
  })
})

describe.each(SERVERS)('phpMemcachedAdmin, with %s', (server) => {
  const reason = server === 'memcached' ? without : undefined

  const OVER =
    /^(END|DELETED|OK|ERROR|SERVER_ERROR|CLIENT_ERROR|NOT_FOUND|STORED|RESET|TOUCHED|\d+)/

  /** One command on a connection of its own, read until a line that ends an answer. */
  async function command(text: string): Promise<string[]> {
    await using wire = await Wire.connect(nodeOf(server))
    wire.send(`${text}\r\n`)
    const lines: string[] = []
    while (!OVER.test(lines.at(-1) ?? '')) {
      lines.push((await wire.readUntil('\r\n')).toString('latin1'))
      lines.splice(-1, 1, ...lines.at(-1)!.split('\r\n').slice(0, -1))
    }
    return lines
  }

  test('reads what it shows of the server', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const text = (await command('stats')).join('\n')
    for (const name of `uptime time pid threads curr_items total_items cmd_get cmd_set cmd_flush cmd_touch
      get_hits get_misses delete_hits delete_misses incr_hits incr_misses decr_hits decr_misses cas_hits cas_misses
      touch_hits touch_misses cas_badval bytes limit_maxbytes bytes_read bytes_written evictions reclaimed
      curr_connections total_connections listen_disabled_num accepting_conns`.split(/\s+/)) {
      expect(text).toMatch(new RegExp(`^STAT ${name} \\d+$`, 'm'))
    }
    const settings = (await command('stats settings')).join('\n')
    expect(settings).toMatch(/^STAT maxbytes \d+$/m)
    expect(settings).toMatch(/^STAT growth_factor \d+\.\d\d$/m)
  })

  test('reads how full each class is, and what it wastes', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const text = [...(await command('stats slabs')), ...(await command('stats items'))].join('\n')
    const classes = [...text.matchAll(/^STAT (\d+):chunk_size (\d+)$/gm)]
    expect(classes.length).toBeGreaterThanOrEqual(3)
    const told = (name: string) => Number(new RegExp(`^STAT ${name} (\\d+)$`, 'm').exec(text)?.[1])
    for (const [, id, chunk] of classes) {
      expect(told(`${id}:total_chunks`)).toBe(told(`${id}:used_chunks`) + told(`${id}:free_chunks`))
      expect(told(`${id}:total_chunks`)).toBe(
        told(`${id}:chunks_per_page`) * told(`${id}:total_pages`),
      )
      const wasted = told(`${id}:total_chunks`) * Number(chunk) - told(`items:${id}:mem_requested`)
      expect(wasted).toBeGreaterThanOrEqual(0)
    }
  })

  test('lists the keys of a class', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const ids = (await command('stats items')).flatMap(
      (line) => /^STAT items:(\d+):number /.exec(line)?.[1] ?? [],
    )
    expect(ids.length).toBeGreaterThanOrEqual(3)
    for (const id of ids) {
      const lines = await command(`stats cachedump ${id} 20`)
      expect(lines.pop()).toBe('END')
      for (const line of lines) expect(line).toMatch(/^ITEM \S+ \[\d+ b; \d+ s\]$/)
    }
  })

  test('looks at and changes keys', async ({ skip }) => {
    skip(reason !== undefined, reason)
    expect(await command('set shown 0 0 2\r\n41')).toEqual(['STORED'])
    expect(await command('incr shown 1')).toEqual(['42'])
    expect(await command('decr shown 2')).toEqual(['40'])
    expect(await command('get shown')).toEqual(['VALUE shown 0 2', '40', 'END'])
    expect(await command('delete shown')).toEqual(['DELETED'])
    expect(await command('delete shown')).toEqual(['NOT_FOUND'])
    expect(await command('flush_all 3600')).toEqual(['OK'])
    expect(await command('bogus')).toEqual(['ERROR'])
  })
})
