// A client of this process's own cache: commands of the text protocol go to an engine on this thread and come back as
// text, without a socket. Reports leave no trace in the counts of traffic. Knows no command.
import type { Arena } from '../cache/arena.ts'
import { MemoryBlock } from '../cache/memory.ts'
import { Connection } from '../protocol/connection.ts'
import type { Engine } from '../protocol/engine.ts'
import { copyOfMessage } from '../transport/message-copy.ts'

/** More than any report has: a listing that goes on is cut. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

const REPORT = 'stats'

export class InProcessClient {
  readonly #engine: Engine
  readonly #arena: Arena

  constructor(engine: Engine, arena: Arena) {
    this.#engine = engine
    this.#arena = arena
  }

  /** What is answered to a command line, which has no line end, nor a value after it. Bytes are characters, both ways. */
  ask(command: string): string {
    const engine = this.#engine
    const connection = new Connection(0)
    const line = Buffer.from(`${command}\r\n`, 'latin1')
    const input = new MemoryBlock(new ArrayBuffer(line.length + 8))
    input.bytes.set(line)
    const parts: Buffer[] = []
    let bytes = 0
    let at = 0
    for (;;) {
      at = engine.execute(connection, input, at, line.length)
      const { reply } = engine
      const { full } = reply
      if (reply.totalBytes > 0) parts.push(copyOfMessage(reply, this.#arena))
      bytes += reply.totalBytes
      engine.release(reply)
      const more = full || connection.busy
      if (!more || connection.closing || bytes > MAX_ANSWER_BYTES) break
    }
    engine.abandon(connection)
    // Being looked at must not change what is seen.
    if (command.startsWith(REPORT)) engine.countTraffic(-at, -bytes, -1)
    return Buffer.concat(parts).toString('latin1')
  }
}
