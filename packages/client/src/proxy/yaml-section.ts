// A map of a YAML file as its reader wants it: each entry once, of the type it must have, and what is wrong with where it
// stands. Knows nothing of what the entries mean.
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { ArgumentError, MemshardError } from '../errors.ts'

interface Place {
  readonly file: string
  readonly lines: LineCounter
}

/** An entry, with its name from the top of the file: `pools.main.timeout`. */
export class YamlEntry {
  readonly name: string
  readonly #place: Place
  readonly #node: Node | null

  constructor(place: Place, name: string, node: Node | null) {
    this.#place = place
    this.name = name
    this.#node = node
  }

  /** An error about this entry. */
  wrong(what: string): ArgumentError {
    const offset = this.#node?.range?.[0] ?? 0
    const { line } = this.#place.lines.linePos(offset)
    return new ArgumentError(`${this.#place.file}:${line}: ${this.name} ${what}`)
  }

  /** What is wrong with a value is told with its place. */
  checked<T>(make: () => T): T {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof MemshardError)) throw error
      throw this.wrong(`can't be: ${error.message}`)
    }
  }

  get isMap(): boolean {
    return isMap(this.#node)
  }

  get isList(): boolean {
    return isSeq(this.#node)
  }

  text(): string {
    const value = this.#scalar()
    if (typeof value === 'string') return value
    if (typeof value === 'number') return String(value)
    throw this.wrong('must be a text')
  }

  flag(): boolean {
    const value = this.#scalar()
    if (typeof value === 'boolean') return value
    throw this.wrong('must be true or false')
  }

  /** A whole number above 0. */
  count(): number {
    const value = this.#scalar()
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
    throw this.wrong('must be a whole number above 0')
  }

  /** Bytes, as 65536, 64k or 8m. */
  size(): number {
    const [, digits, unit = ''] = /^(\d{1,12})([kmg]?)$/i.exec(this.text()) ?? []
    const bytes = Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ')
    if (bytes > 0) return bytes
    throw this.wrong('must be a size, as 64k or 8m')
  }

  /** A share: 0.05, or 5%. */
  share(): number {
    const text = this.text()
    const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
    if (text !== '' && share >= 0 && share <= 1) return share
    throw this.wrong('must be a share, from 0 to 1 or from 0% to 100%')
  }

  list(): YamlEntry[] {
    const node = this.#node
    if (!isSeq(node)) throw this.wrong('must be a list')
    return node.items.map(
      (item, i) => new YamlEntry(this.#place, `${this.name}[${i}]`, item as ParsedNode),
    )
  }

  /** A list, or one item in place of it. */
  oneOrMore(): YamlEntry[] {
    const items = this.isList ? this.list() : [this]
    if (items.length === 0) throw this.wrong('is empty: name at least one')
    return items
  }

  map(): YamlSection {
    const node = this.#node
    if (!isMap(node)) throw this.wrong('must be a map')
    return new YamlSection(this.#place, this.name, node as YAMLMap<unknown, unknown>)
  }

  /** As plain data. */
  plain(): unknown {
    return this.#node?.toJSON()
  }

  #scalar(): unknown {
    return isScalar(this.#node) ? this.#node.value : undefined
  }
}

export class YamlSection {
  readonly #entries = new Map<string, YamlEntry>()
  readonly #known = new Set<string>()
  readonly #self: YamlEntry

  constructor(place: Place, name: string, map: YAMLMap<unknown, unknown>) {
    this.#self = new YamlEntry(place, name || 'the file', map)
    for (const { key, value } of map.items) {
      const text = isScalar(key) ? String(key.value) : ''
      // Without a value, the key's place is the nearest there is.
      const node = (value ?? key) as Node
      this.#entries.set(text, new YamlEntry(place, name === '' ? text : `${name}.${text}`, node))
    }
  }

  get(key: string): YamlEntry | undefined {
    this.#known.add(key)
    return this.#entries.get(key)
  }

  /** @throws ArgumentError when it isn't there. */
  need(key: string, why: string): YamlEntry {
    const entry = this.get(key)
    if (entry === undefined) throw this.#self.wrong(`has no ${key}: ${why}`)
    return entry
  }

  /** All entries by their keys; there are no unknown ones then. */
  all(): ReadonlyMap<string, YamlEntry> {
    for (const key of this.#entries.keys()) this.#known.add(key)
    return this.#entries
  }

  /** @throws ArgumentError for an entry that nobody has asked for. */
  end(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#known.has(key)) continue
      throw entry.wrong(`is not known here: there are ${[...this.#known].join(', ')}`)
    }
  }
}

/** @throws ArgumentError when the text is no YAML, or no map. */
export function parseYaml(file: string, text: string): YamlSection {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0])
    throw new ArgumentError(`${file}:${line}: this is no YAML: ${error.message}`)
  }
  const { contents } = document
  if (!isMap(contents)) {
    throw new ArgumentError(`${file}: there must be a map with listen and pools`)
  }
  return new YamlSection({ file, lines }, '', contents as YAMLMap<unknown, unknown>)
}
