// What the protocol remembers of a connection between two arrivals of bytes: the command that is half
// done. Knows no socket.
import { CLOSED_BY_ERROR, LOGINS_FAILED, NO_TROUBLE, type Trouble } from '../cache/event-log.ts'
import type { ItemRef } from '../cache/item.ts'
import { copyBytes, MemoryBlock } from '../cache/memory.ts'
import type { BindingProtocol } from './binding-protocol.ts'
import type { Listing } from './listing.ts'
import { OTHER } from './request-kinds.ts'

// States: what the next bytes are.
export const COMMAND = 0
/** The value of a storage command, into `item`. */
export const VALUE = 1
/** The value of a refused storage command, to be dropped. */
export const SWALLOW = 2
/** Further keys of a retrieval command whose answers filled the reply buffer. */
export const KEYS = 3
/** Nothing: a long text of ours is still to be written into replies. */
export const TEXT = 4
/** The first ones of the connection, which tell the client's protocol. */
export const GREETING = 5
/** A request of the binary protocol. */
export const PACKET = 6
/** The value of a binary storage command, into `item`. */
export const BINARY_VALUE = 7
/** Nothing: the answer under way is made as it is sent, a part at a time. */
export const LISTING = 8
/** Nothing that matters: the client watches, in `watchSlot`, and is no longer the engine's. */
export const WATCHING = 9
/** What a client has to say before it may give commands (`-Y`). */
export const AUTHENTICATION = 10

/** Who has guessed wrong so often has to connect anew, which costs a guesser far more than a guess. */
const MAX_FAILED_LOGINS = 16

/** The mode of `ms`, beside those of store.ts. */
export const META_SET = -1

export class Connection {
  /** The socket's file descriptor, by which operators' reports name the connection; 0 without one. */
  readonly descriptor: number
  /**
   * The requests came in one datagram: nothing follows them, and each answer is a message of its own. A
   * command that goes on sending after its answer can't be had there.
   */
  readonly datagram: boolean
  /** What its listener speaks, if not what all do. */
  binding: BindingProtocol | undefined
  state = GREETING
  /**
   * The state between two commands: COMMAND, PACKET for a client that speaks the binary protocol, or
   * AUTHENTICATION while it may give none.
   */
  commandState = COMMAND
  /** The kind of the request under way, or of the last one. */
  requestKind: number = OTHER
  /** After what is in the reply was sent, the connection is to be closed. */
  closing = false
  /** Why, for those who watch connections; one of event-log.ts. */
  closeReason = CLOSED_BY_ERROR
  /** What was wrong, of those in event-log.ts, for those who log it. */
  trouble: Trouble = NO_TROUBLE
  /** Input bytes from the first unconsumed one that are known to hold no line end. */
  scanned = 0

  /** May give commands; with `-S`, once it has logged in. */
  authenticated = true
  /** Logins that were refused. */
  failedLogins = 0
  /** How far its login with `-S` has got. Only one can succeed. */
  login: 'none' | 'begun' | 'over' = 'none'

  /** VALUE: how the item is to be stored; META_SET for `ms`, whose flags say it. */
  mode = 0
  /** VALUE: the item being filled and how many of its bytes, any CRLF included, have come. */
  item: ItemRef = 0
  filled = 0
  /** VALUE: of the two bytes after the value, whether what has come of them is CRLF. */
  terminated = true
  /** VALUE: the command line, BINARY_VALUE: the header, to be read again when the value is complete. */
  savedLine: MemoryBlock | undefined
  savedLength = 0

  /** SWALLOW: bytes still to be dropped. */
  swallow = 0

  /** AUTHENTICATION: bytes of user and password that are to come, CRLF included; 0: a line is to come. */
  tokenLength = 0

  /** KEYS: the command, and for `gat` the expiry time on the cache's clock. */
  retrieval = 0
  retrievalExpiry = 0

  /** TEXT: what is being sent, and how much of it has been. */
  text: Uint8Array | undefined
  textSent = 0

  /** LISTING: what is being listed. */
  listing: Listing | undefined

  /** WATCHING: the slot it has taken. */
  watchSlot = 0

  /** After what is in the reply was sent, it is to be closed, because of this. */
  fail(trouble: Trouble): void {
    this.closing = true
    this.trouble = trouble
  }

  constructor(descriptor: number, datagram = false) {
    this.descriptor = descriptor
    this.datagram = datagram
  }

  /**
   * It has more to say without hearing anything: when the others have had their turn, it is to be executed
   * again.
   */
  get busy(): boolean {
    return this.state === LISTING
  }

  /** A login was refused; too many of them end the connection after their answer. */
  refuseLogin(): void {
    this.failedLogins++
    if (this.failedLogins >= MAX_FAILED_LOGINS) this.fail(LOGINS_FAILED)
  }

  /** Has a text of any length sent before the next command. */
  sendText(text: Uint8Array): void {
    this.state = TEXT
    this.text = text
    this.textSent = 0
  }

  /** TEXT: all of it is on its way; the next command is due. */
  endText(): void {
    this.state = this.commandState
    this.text = undefined
  }

  /** Has something listed before the next command. */
  list(listing: Listing): void {
    this.state = LISTING
    this.listing = listing
  }

  /** Keeps a copy of a command line for when its value will have come. */
  saveLine(block: MemoryBlock, at: number, length: number): MemoryBlock {
    if (this.savedLine === undefined || this.savedLine.size < length) {
      this.savedLine = new MemoryBlock(new ArrayBuffer(Math.max(512, length + 8)))
    }
    copyBytes(block, at, this.savedLine, 0, length)
    this.savedLength = length
    return this.savedLine
  }
}
