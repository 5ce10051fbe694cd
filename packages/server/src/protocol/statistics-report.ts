// The texts of `stats`, `stats conns`, `stats items`, `stats slabs` and `stats sizes`: which counter is printed
// under which name, in memcached's order. Knows names and sums; not how a connection receives them.
// Long because memcached's tables are.
import type { Cache } from '../cache/cache.ts'
import { COLD, HOT, TEMP, WARM } from '../cache/lru.ts'
import { BUSY_STATUSES } from '../cache/page-mover.ts'
import { GLOBAL_PAGE_POOL } from '../cache/slab-pages.ts'
import {
  AUTH_CMDS,
  AUTH_ERRORS,
  BYTES_READ,
  BYTES_WRITTEN,
  CAS_MISSES,
  CLASS_CAS_BADVAL,
  CLASS_CAS_HITS,
  CLASS_CMD_SET,
  CLASS_DECR_HITS,
  CLASS_DELETE_HITS,
  CLASS_INCR_HITS,
  CLASS_TOUCH_HITS,
  CMD_FLUSH,
  CMD_META,
  CONN_YIELDS,
  CRAWLER_ITEMS_CHECKED,
  CRAWLER_RECLAIMED,
  CURR_BYTES,
  CURR_ITEMS,
  DECR_MISSES,
  DELETE_MISSES,
  DIRECT_RECLAIMS,
  EVICTED,
  EVICTED_ACTIVE,
  EVICTED_NONZERO,
  EVICTED_TIME,
  EVICTED_UNFETCHED,
  EXPIRED_UNFETCHED,
  GET_EXPIRED,
  GET_FLUSHED,
  GET_MISSES,
  INCR_MISSES,
  LOG_WATCHER_SENT,
  LOG_WATCHER_SKIPPED,
  LOG_WORKER_DROPPED,
  LOG_WORKER_WRITTEN,
  LRU_CRAWLER_STARTS,
  LRU_MAINTAINER_JUGGLES,
  LRU_TAIL_REFLOCKED,
  MOVES_TO_COLD,
  MOVES_TO_WARM,
  MOVES_WITHIN_LRU,
  OUT_OF_MEMORY,
  READ_BUF_OOM,
  RECLAIMED,
  RESPONSE_OBJ_OOM,
  SLAB_REASSIGN_BUSY_DELETES,
  SLAB_REASSIGN_BUSY_ITEMS,
  SLAB_REASSIGN_BUSY_NOMEM,
  SLAB_REASSIGN_CHUNK_RESCUES,
  SLAB_REASSIGN_INLINE_RECLAIM,
  SLAB_REASSIGN_LAST_BUSY_STATUS,
  SLAB_REASSIGN_RESCUES,
  SLABS_MOVED,
  STORE_NO_MEMORY,
  STORE_TOO_LARGE,
  TAIL_REPAIRS,
  TOTAL_ITEMS,
  TOUCH_MISSES,
} from '../cache/statistics.ts'
import { type ConnectionDescription, type Host, MEMCACHED_VERSION } from './context.ts'

/** Statistics print as whole numbers, also past 2^53 where they are no longer exact. */
export type Pair = readonly [name: string, value: number | string]

const MICROSECONDS = 1e6

function seconds(value: number): string {
  const whole = Math.floor(value)
  return `${whole}.${String(Math.floor((value - whole) * MICROSECONDS)).padStart(6, '0')}`
}

/** The `STAT` lines and `END`. */
export function report(pairs: Iterable<Pair>): Buffer {
  let text = ''
  for (const [name, value] of pairs) text += `STAT ${name} ${value}\r\n`
  return Buffer.from(`${text}END\r\n`, 'latin1')
}

export function* generalStatistics(cache: Cache, host: Host): Generator<Pair> {
  const { statistics, clock, table, pages } = cache
  const of = (counter: number): number => statistics.get(counter)
  const total = (counter: number): number => statistics.total(counter)
  const process = host.process()
  const { maintained } = cache.options
  const hits = statistics.getHits
  const touchHits = total(CLASS_TOUCH_HITS)
  yield ['pid', process.pid]
  yield ['uptime', clock.uptime]
  yield ['time', clock.toUnix(clock.now)]
  yield ['version', MEMCACHED_VERSION]
  // Real memcached names its event library here; ours is the transport in use.
  yield ['libevent', process.transport]
  yield ['pointer_size', 64]
  yield ['rusage_user', seconds(process.userSeconds)]
  yield ['rusage_system', seconds(process.systemSeconds)]
  yield ['max_connections', process.maxConnections]
  yield ['curr_connections', process.currentConnections]
  yield ['total_connections', process.totalConnections]
  if (process.rejectsOverLimit) yield ['rejected_connections', process.rejectedConnections]
  yield ['connection_structures', process.currentConnections]
  yield ['response_obj_oom', of(RESPONSE_OBJ_OOM)]
  yield ['response_obj_count', process.threads]
  yield ['response_obj_bytes', process.bufferBytes]
  yield ['read_buf_count', process.threads]
  yield ['read_buf_bytes', process.bufferBytes]
  yield ['read_buf_bytes_free', 0]
  yield ['read_buf_oom', of(READ_BUF_OOM)]
  yield ['reserved_fds', process.reservedDescriptors]
  yield ['cmd_get', hits + of(GET_MISSES)]
  yield ['cmd_set', total(CLASS_CMD_SET)]
  yield ['cmd_flush', of(CMD_FLUSH)]
  yield ['cmd_touch', touchHits + of(TOUCH_MISSES)]
  yield ['cmd_meta', of(CMD_META)]
  yield ['get_hits', hits]
  yield ['get_misses', of(GET_MISSES)]
  yield ['get_expired', of(GET_EXPIRED)]
  yield ['get_flushed', of(GET_FLUSHED)]
  yield ['delete_misses', of(DELETE_MISSES)]
  yield ['delete_hits', total(CLASS_DELETE_HITS)]
  yield ['incr_misses', of(INCR_MISSES)]
  yield ['incr_hits', total(CLASS_INCR_HITS)]
  yield ['decr_misses', of(DECR_MISSES)]
  yield ['decr_hits', total(CLASS_DECR_HITS)]
  yield ['cas_misses', of(CAS_MISSES)]
  yield ['cas_hits', total(CLASS_CAS_HITS)]
  yield ['cas_badval', total(CLASS_CAS_BADVAL)]
  yield ['touch_hits', touchHits]
  yield ['touch_misses', of(TOUCH_MISSES)]
  yield ['store_too_large', of(STORE_TOO_LARGE)]
  yield ['store_no_memory', of(STORE_NO_MEMORY)]
  yield ['auth_cmds', of(AUTH_CMDS)]
  yield ['auth_errors', of(AUTH_ERRORS)]
  if (process.idleKicks !== undefined) yield ['idle_kicks', process.idleKicks]
  yield ['bytes_read', of(BYTES_READ)]
  yield ['bytes_written', of(BYTES_WRITTEN)]
  yield ['limit_maxbytes', cache.tuning.memoryLimitBytes]
  yield ['accepting_conns', process.accepting ? 1 : 0]
  yield ['listen_disabled_num', process.timesListenDisabled]
  yield ['time_in_listen_disabled_us', process.listenDisabledMicroseconds]
  yield ['threads', process.threads]
  yield ['conn_yields', of(CONN_YIELDS)]
  yield ['hash_power_level', table.power]
  yield ['hash_bytes', table.usedBytes]
  yield ['hash_is_expanding', table.expanding ? 1 : 0]
  if (cache.options.slabReassignEnabled) yield* slabReassignStatistics(cache)
  if (cache.tuning.crawlerEnabled) {
    yield ['lru_crawler_running', cache.crawl.running ? 1 : 0]
    yield ['lru_crawler_starts', of(LRU_CRAWLER_STARTS)]
  }
  if (maintained) yield ['lru_maintainer_juggles', of(LRU_MAINTAINER_JUGGLES)]
  yield ['malloc_fails', 0]
  yield ['log_worker_dropped', of(LOG_WORKER_DROPPED)]
  yield ['log_worker_written', of(LOG_WORKER_WRITTEN)]
  yield ['log_watcher_skipped', of(LOG_WATCHER_SKIPPED)]
  yield ['log_watcher_sent', of(LOG_WATCHER_SENT)]
  yield ['log_watchers', cache.events.slots.count]
  const { tls } = process
  if (tls !== undefined) {
    if (tls.newSessions !== undefined) yield ['ssl_new_sessions', tls.newSessions]
    yield ['ssl_handshake_errors', tls.handshakeErrors]
    yield ['ssl_proto_errors', tls.protocolErrors]
    yield ['time_since_server_cert_refresh', tls.secondsSinceRefresh]
  }
  yield ['unexpected_napi_ids', 0]
  yield ['round_robin_fallback', 0]
  yield ['bytes', of(CURR_BYTES)]
  yield ['curr_items', of(CURR_ITEMS)]
  yield ['total_items', of(TOTAL_ITEMS)]
  yield ['slab_global_page_pool', pages.count(GLOBAL_PAGE_POOL)]
  yield ['expired_unfetched', total(EXPIRED_UNFETCHED)]
  yield ['evicted_unfetched', total(EVICTED_UNFETCHED)]
  if (maintained) yield ['evicted_active', total(EVICTED_ACTIVE)]
  yield ['evictions', total(EVICTED)]
  yield ['reclaimed', total(RECLAIMED)]
  yield ['crawler_reclaimed', total(CRAWLER_RECLAIMED)]
  yield ['crawler_items_checked', total(CRAWLER_ITEMS_CHECKED)]
  yield ['lrutail_reflocked', total(LRU_TAIL_REFLOCKED)]
  if (!maintained) return
  yield ['moves_to_cold', total(MOVES_TO_COLD)]
  yield ['moves_to_warm', total(MOVES_TO_WARM)]
  yield ['moves_within_lru', total(MOVES_WITHIN_LRU)]
  yield ['direct_reclaims', total(DIRECT_RECLAIMS)]
  yield ['lru_bumps_dropped', 0]
}

export function* connectionStatistics(
  connections: Iterable<ConnectionDescription>,
): Generator<Pair> {
  for (const { descriptor, udp, address, listenAddress, state, idleSeconds } of connections) {
    if (udp) yield [`${descriptor}:UDP`, 'UDP']
    yield [`${descriptor}:addr`, address]
    if (listenAddress !== undefined) yield [`${descriptor}:listen_addr`, listenAddress]
    yield [`${descriptor}:state`, state]
    // Answers that wait for another server's, in memcached's proxy.
    yield [`${descriptor}:resps_waiting`, 0]
    yield [`${descriptor}:secs_since_last_cmd`, idleSeconds]
  }
}

function* slabReassignStatistics({ statistics, pageMoves }: Cache): Generator<Pair> {
  const of = (counter: number): number => statistics.get(counter)
  yield ['slab_reassign_rescues', of(SLAB_REASSIGN_RESCUES)]
  yield ['slab_reassign_chunk_rescues', of(SLAB_REASSIGN_CHUNK_RESCUES)]
  yield ['slab_reassign_inline_reclaim', of(SLAB_REASSIGN_INLINE_RECLAIM)]
  yield ['slab_reassign_busy_items', of(SLAB_REASSIGN_BUSY_ITEMS)]
  yield ['slab_reassign_busy_deletes', of(SLAB_REASSIGN_BUSY_DELETES)]
  yield ['slab_reassign_busy_nomem', of(SLAB_REASSIGN_BUSY_NOMEM)]
  yield ['slab_reassign_last_busy_status', BUSY_STATUSES[of(SLAB_REASSIGN_LAST_BUSY_STATUS)]]
  yield ['slab_reassign_running', pageMoves.pending ? 1 : 0]
  yield ['slabs_moved', of(SLABS_MOVED)]
}

export function* itemStatistics(cache: Cache): Generator<Pair> {
  const { slabs, lru } = cache
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    if (lru.countOfClass(slabClass) === 0) continue
    for (const [name, value] of itemStatisticsOfClass(cache, slabClass)) {
      yield [`items:${slabClass}:${name}`, value]
    }
  }
}

function* itemStatisticsOfClass(cache: Cache, slabClass: number): Generator<Pair> {
  const { lru, statistics } = cache
  const of = (counter: number): number => statistics.ofClass(slabClass, counter)
  const age = (segment: number): number => {
    const tail = lru.tail(slabClass | segment)
    return tail === 0 ? 0 : cache.idleSeconds(tail)
  }
  const { maintained } = cache.options
  yield ['number', lru.countOfClass(slabClass)]
  if (maintained) {
    yield ['number_hot', lru.count(slabClass | HOT)]
    yield ['number_warm', lru.count(slabClass | WARM)]
    yield ['number_cold', lru.count(slabClass | COLD)]
    if (cache.tuning.temporaryTtlSeconds !== undefined)
      yield ['number_temp', lru.count(slabClass | TEMP)]
    yield ['age_hot', age(HOT)]
    yield ['age_warm', age(WARM)]
  }
  yield ['age', age(COLD)]
  const segments = [HOT, WARM, COLD, TEMP]
  yield ['mem_requested', segments.reduce((sum, s) => sum + lru.bytes(slabClass | s), 0)]
  yield ['evicted', of(EVICTED)]
  yield ['evicted_nonzero', of(EVICTED_NONZERO)]
  yield ['evicted_time', of(EVICTED_TIME)]
  yield ['outofmemory', of(OUT_OF_MEMORY)]
  yield ['tailrepairs', of(TAIL_REPAIRS)]
  yield ['reclaimed', of(RECLAIMED)]
  yield ['expired_unfetched', of(EXPIRED_UNFETCHED)]
  yield ['evicted_unfetched', of(EVICTED_UNFETCHED)]
  if (maintained) yield ['evicted_active', of(EVICTED_ACTIVE)]
  yield ['crawler_reclaimed', of(CRAWLER_RECLAIMED)]
  yield ['crawler_items_checked', of(CRAWLER_ITEMS_CHECKED)]
  yield ['lrutail_reflocked', of(LRU_TAIL_REFLOCKED)]
  if (!maintained) return
  yield ['moves_to_cold', of(MOVES_TO_COLD)]
  yield ['moves_to_warm', of(MOVES_TO_WARM)]
  yield ['moves_within_lru', of(MOVES_WITHIN_LRU)]
  yield ['direct_reclaims', of(DIRECT_RECLAIMS)]
  yield ['hits_to_hot', statistics.hits(slabClass | HOT)]
  yield ['hits_to_warm', statistics.hits(slabClass | WARM)]
  yield ['hits_to_cold', statistics.hits(slabClass | COLD)]
  yield ['hits_to_temp', statistics.hits(slabClass | TEMP)]
}

export function* slabStatistics(cache: Cache): Generator<Pair> {
  const { pages, slabs, statistics } = cache
  let active = 0
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    const pageCount = pages.count(slabClass)
    if (pageCount === 0) continue
    active++
    const of = (counter: number): number => statistics.ofClass(slabClass, counter)
    const name = (key: string): string => `${slabClass}:${key}`
    const perPage = slabs.chunksPerPage(slabClass)
    yield [name('chunk_size'), slabs.nominalSizes[slabClass]]
    yield [name('chunks_per_page'), perPage]
    yield [name('total_pages'), pageCount]
    yield [name('total_chunks'), pageCount * perPage]
    yield [name('used_chunks'), slabs.usedChunks(slabClass)]
    yield [name('free_chunks'), slabs.freeChunks(slabClass)]
    yield [name('free_chunks_end'), 0]
    yield [name('get_hits'), statistics.hitsOfClass(slabClass)]
    yield [name('cmd_set'), of(CLASS_CMD_SET)]
    yield [name('delete_hits'), of(CLASS_DELETE_HITS)]
    yield [name('incr_hits'), of(CLASS_INCR_HITS)]
    yield [name('decr_hits'), of(CLASS_DECR_HITS)]
    yield [name('cas_hits'), of(CLASS_CAS_HITS)]
    yield [name('cas_badval'), of(CLASS_CAS_BADVAL)]
    yield [name('touch_hits'), of(CLASS_TOUCH_HITS)]
  }
  yield ['active_slabs', active]
  yield ['total_malloced', pages.mallocedBytes]
}

/** Items by size, in steps of 32 bytes; only with `-o track_sizes`. */
export function* sizeStatistics({ sizes }: Cache): Generator<Pair> {
  if (!sizes.enabled) {
    yield ['sizes_status', 'disabled']
    return
  }
  for (const [size, items] of sizes.counts()) yield [`${size}`, items]
}
