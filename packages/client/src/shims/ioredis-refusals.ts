// What of Redis a cache over many nodes has not, and what to do instead. Knows names, no client.
import { ArgumentError } from '../errors.ts'

/** A command of Redis that there is none of here; the message says what to do instead. */
export class UnsupportedCommandError extends ArgumentError {
  readonly command: string

  constructor(command: string, advice: string) {
    super(`${command} is none of a cache: ${advice}`)
    this.command = command
  }
}

const ADVICE: readonly (readonly [advice: string, names: string])[] = [
  [
    'its nodes have no transactions. Use pipeline(), which is as fast and not atomic, or set with NX or GET, getset, getdel and incr, which are atomic for their key',
    'multi exec discard watch unwatch',
  ],
  [
    'it has no scripts. incr, set with NX, GET or KEEPTTL, getdel and getex are atomic; rate limits are in @memshard/client/rate-limit; .client has cas',
    'eval evalsha evalsha_ro eval_ro script fcall fcall_ro function defineCommand',
  ],
  [
    'store the object as one JSON value with set, or each field under a key of its own',
    'hget hset hmset hmget hgetall hdel hexists hincrby hincrbyfloat hkeys hvals hlen hsetnx hscan hstrlen hrandfield hexpire httl hpersist hgetdel hgetex hsetex hexpireat hexpiretime hpexpire hpexpireat hpexpiretime hpttl himport',
  ],
  [
    'a list that must not lose anything wants a queue: keep Redis, or a database, for it. Store a short one as one JSON value with set',
    'lpush rpush lpushx rpushx lpop rpop lrange llen lindex linsert lset lrem ltrim lpos lmove lmpop blpop brpop blmove blmpop rpoplpush brpoplpush blmovem lmovem sort sort_ro',
  ],
  [
    'store the members as one JSON value, or each under a key of its own: set with NX adds one, exists finds it',
    'sadd srem smembers sismember smismember scard spop srandmember smove sdiff sinter sunion sdiffstore sinterstore sunionstore sintercard sscan sdiffcard sunioncard pfadd pfcount pfmerge pfdebug pfselftest',
  ],
  [
    'a ranking wants Redis, or a database: cache its first page as one JSON value with set',
    'zadd zrem zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zrevrangebylex zrangestore zrank zrevrank zscore zmscore zcard zcount zlexcount zincrby zpopmin zpopmax bzpopmin bzpopmax zremrangebyrank zremrangebyscore zremrangebylex zunion zinter zdiff zunionstore zinterstore zdiffstore zintercard zrandmember zscan zmpop bzmpop geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore',
  ],
  [
    'messages want a broker, or Redis. For invalidation, Tags of @memshard/client make entries out of date at once',
    'subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe publish spublish pubsub monitor xadd xread xreadgroup xrange xrevrange xlen xdel xtrim xack xackdel xclaim xautoclaim xgroup xinfo xpending xsetid xcfgset xdelex xidmprecord xnack',
  ],
  [
    "it doesn't know its keys. Keep the names that you must list elsewhere; flushdb with a keyPrefix, or Tags, forget many at once",
    'keys scan scanStream scanBufferStream randomkey dbsize',
  ],
  [
    'nodes are shared with others. flushdb() of a client with a keyPrefix forgets what begins so; .client.flush() empties every node',
    'flushall',
  ],
  [
    'write the whole value with set: an item is read and written as one',
    'getrange setrange substr getbit setbit bitcount bitop bitpos bitfield bitfield_ro incrbyfloat lcs',
  ],
  [
    'keys are on different nodes: get the one and set the other',
    'rename renamenx copy move msetnx dump restore restore-asking migrate object touch type',
  ],
  [
    'its nodes are those of the option nodes, or of a discovery: see the README of @memshard/client',
    'select swapdb auth hello duplicate role replicaof slaveof cluster readonly readwrite asking failover wait waitaof sentinel replconf trimslots',
  ],
  [
    "ask the nodes: .client.stats(kind) and .client.version(); their settings are their command line's",
    'info config command memory latency slowlog time lastsave save bgsave bgrewriteaof shutdown debug module acl sync psync reset backup hotkeys lolwut echo',
  ],
  ['ttl tells how long it has', 'expiretime pexpiretime'],
  [
    'set with EX, incr and expire, getdel, or .client.cas do it in two steps, of which the first is atomic',
    'msetex increx delex digest',
  ],
  [
    'arrays and vectors want Redis: cache what you make of them',
    'arcount ardel ardelrange arget argetrange argrep arinfo arinsert arlastitems arlen armget armset arnext arop arring arscan arseek arset vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrange vrem vsetattr vsim',
  ],
  ['it has the commands that it has as methods', 'call callBuffer sendCommand'],
]

/** Puts a method that throws in the place of each of them that there is none of. */
export function refuseOn(prototype: object): void {
  for (const [advice, names] of ADVICE) {
    for (const name of names.split(' ')) {
      if (Object.hasOwn(prototype, name)) continue
      const refuse = (): never => {
        throw new UnsupportedCommandError(name, advice)
      }
      Object.defineProperty(prototype, name, { value: refuse, configurable: true, writable: true })
    }
  }
}
