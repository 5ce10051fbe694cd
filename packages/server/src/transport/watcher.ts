// One watcher: the lines it has not taken yet, in a buffer that doesn't grow, and how many it has missed.
// Knows its socket only by what it can do.
import { MemoryBlock } from '../cache/memory.ts'
import { skippedLine } from '../protocol/log-lines.ts'

export interface WatcherSocket {
  /** Sends what the system takes of the bytes at the moment. Returns how many; -1 if the client is gone. */
  send(block: MemoryBlock, from: number, length: number): number
  /** Drops whatever the client says, which nobody listens to. False if it is gone. */
  ignoreInput(): boolean
  close(): void
}

/** Room for the longest line and a `skipped=` before it; no watcher has less. */
const MIN_BUFFER_BYTES = 2 * 1024
const MAX_BUFFER_BYTES = 2 ** 30
const GREETING = 'OK\r\n'

export class Watcher {
  readonly slot: number
  readonly streams: number
  readonly firstId: number
  /** Undefined until the thread that had the client has let go of it. */
  socket: WatcherSocket | undefined
  readonly #block: MemoryBlock
  readonly #text: Buffer
  #start = 0
  #end = 0
  #skipped = 0
  /** The socket takes no more at present: not to be asked for every line. */
  #stuck = false

  constructor(slot: number, streams: number, firstId: number, bufferBytes: number) {
    this.slot = slot
    this.streams = streams
    this.firstId = firstId
    const size = Math.min(Math.max(bufferBytes, MIN_BUFFER_BYTES), MAX_BUFFER_BYTES)
    this.#block = new MemoryBlock(new ArrayBuffer(size))
    this.#text = Buffer.from(this.#block.bytes.buffer)
    this.#append(GREETING)
  }

  /** Whether there is something that the socket has not taken. */
  get behind(): boolean {
    return this.#start < this.#end
  }

  /** Adds a line of Latin-1. False if there is no room for it: it is skipped, and the watcher told later. */
  offer(line: string): boolean {
    const notice = this.#skipped > 0 ? skippedLine(this.#skipped) : ''
    const length = notice.length + line.length
    if (!this.#hasRoom(length) && !this.#stuck) this.flush()
    if (!this.#hasRoom(length)) {
      this.#skipped++
      return false
    }
    this.#append(notice)
    this.#append(line)
    this.#skipped = 0
    return true
  }

  /** Time has passed: the socket may take something again. */
  retry(): void {
    this.#stuck = false
  }

  /** Sends what the socket takes. False if the client is gone. */
  flush(): boolean {
    if (this.socket === undefined) return true
    // Who has caught up learns of the gap now, not with a line that may never come.
    if (!this.behind && this.#skipped > 0) {
      this.#append(skippedLine(this.#skipped))
      this.#skipped = 0
    }
    const length = this.#end - this.#start
    if (length === 0) return true
    const sent = this.socket.send(this.#block, this.#start, length)
    if (sent < 0) return false
    this.#stuck = sent < length
    this.#start += sent
    if (this.#start === this.#end) {
      this.#start = 0
      this.#end = 0
    }
    return true
  }

  #hasRoom(length: number): boolean {
    const { size } = this.#block
    if (this.#end + length <= size) return true
    if (this.#end - this.#start + length > size) return false
    this.#block.bytes.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    return true
  }

  #append(text: string): void {
    this.#end += this.#text.write(text, this.#end, 'latin1')
  }
}
