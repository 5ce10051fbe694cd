// The lines of `lru_crawler metadump` and `list_prefix`, of which each tells of one item. Knows how they are written, not
// where they come from.

/** An item as its node lists it. */
export interface RawItem {
  /** As it is stored, any namespace included. */
  readonly key: Buffer
  /** In bytes, with its key and header. */
  readonly size: number
  /** Seconds left to live; undefined: for ever. */
  readonly ttl: number | undefined
  /** Seconds since the last access. */
  readonly idle: number
  /** Whether it was fetched since it was stored. */
  readonly fetched: boolean
}

/** `key=a%20b exp=-1 la=1700000000 cas=3 fetch=no cls=1 size=63 flags=0 `; undefined for any other line. */
export function parseItem(line: string, now = Date.now()): RawItem | undefined {
  const fields = new Map(line.split(' ').map((part) => splitAt(part, part.indexOf('='))))
  const key = fields.get('key')
  if (key === undefined) return undefined
  const second = Math.floor(now / 1000)
  const expiry = Number(fields.get('exp'))
  return {
    key: percentDecoded(key),
    size: Number(fields.get('size')),
    ttl: expiry <= 0 ? undefined : Math.max(0, expiry - second),
    idle: Math.max(0, second - Number(fields.get('la'))),
    fetched: fields.get('fetch') === 'yes',
  }
}

function splitAt(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at + 1)]
}

function percentDecoded(text: string): Buffer {
  const decoded = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(decoded, 'latin1')
}
