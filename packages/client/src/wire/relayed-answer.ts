// An answer of a node as a proxy passes it on: the bytes of its line, beside where its value lies. As with every
// answer, one object serves all of a connection.
import { Answer } from './answer.ts'

const NOTHING: Buffer = Buffer.alloc(0)

export class RelayedAnswer extends Answer {
  /** The line is `lineSource[lineStart..lineEnd)`, its end included. */
  lineSource = NOTHING
  lineStart = 0
  lineEnd = 0
  /** Of a classic `VALUE`: where in the line the key is. 0 for all else. */
  keyStart = 0
  keyEnd = 0

  /** Whether this is the value of that key, which is Latin-1. */
  isOf(key: string): boolean {
    const { lineSource, keyStart } = this
    const { length } = key
    if (this.keyEnd - keyStart !== length) return false
    // Keys differ at their ends more often than at their beginnings.
    for (let i = length - 1; i >= 0; i--) {
      if (lineSource[keyStart + i] !== key.charCodeAt(i)) return false
    }
    return true
  }

  /** Where the piece ends that begins with the line: behind the value, if that lies behind the line. */
  get pieceEnd(): number {
    return this.source === this.lineSource ? this.start + this.size + 2 : this.lineEnd
  }

  /** The value and its line end, when it lies elsewhere. */
  get detachedValue(): Buffer | undefined {
    const { source, start } = this
    if (source === undefined || source === this.lineSource) return undefined
    return source.subarray(start, start + this.size + 2)
  }

  /** This answer in memory of its own, for whoever needs it beyond the next one. */
  kept(): RelayedAnswer {
    const copy = new RelayedAnswer()
    copy.status = this.status
    copy.size = this.size
    copy.line = this.line
    const { detachedValue } = this
    copy.lineSource = Buffer.from(this.lineSource.subarray(this.lineStart, this.pieceEnd))
    copy.lineEnd = this.lineEnd - this.lineStart
    if (this.keyEnd > 0) {
      copy.keyStart = this.keyStart - this.lineStart
      copy.keyEnd = this.keyEnd - this.lineStart
    }
    if (detachedValue !== undefined) copy.place(Buffer.from(detachedValue), 0, true)
    else if (this.source !== undefined) copy.place(copy.lineSource, copy.lineEnd, true)
    return copy
  }

  /** Keeps the line, whose memory is needed for what comes next. */
  detachLine(): void {
    this.lineSource = Buffer.from(this.lineSource.subarray(this.lineStart, this.lineEnd))
    if (this.keyEnd > 0) {
      this.keyStart -= this.lineStart
      this.keyEnd -= this.lineStart
    }
    this.lineEnd -= this.lineStart
    this.lineStart = 0
  }
}
