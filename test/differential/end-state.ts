// The last step of every session: fetches all its keys, which shows what it has left, and deletes them.
import { bytesOf } from './binary-commands.ts'
import { MAX_ENCODED_KEY_BYTES } from './meta-commands.ts'
import type { Command, Session, Step, Surroundings } from './session.ts'

const GETK = 0x0c
const DELETEQ = 0x14

export function endState(session: Session): Step {
  const text = session.connections.indexOf('text')
  const slots = session.keys.map((_, slot) => slot)
  const of = text >= 0 ? inText : inBinary
  const command: Command = {
    kind: 'end state',
    protocol: text >= 0 ? 'text' : 'binary',
    render: (at) => slots.map((slot) => of(at, slot)).join(''),
  }
  return { connection: Math.max(text, 0), commands: [command], cuts: [] }
}

function inText(at: Surroundings, slot: number): string {
  const key = at.key(slot)
  if (key.length > MAX_ENCODED_KEY_BYTES) return `mg ${key} k v f t s c\r\nmd ${key} q\r\n`
  const encoded = Buffer.from(key, 'latin1').toString('base64')
  return `mg ${encoded} b k v f t s c\r\nmd ${encoded} b q\r\n`
}

function inBinary(at: Surroundings, slot: number): string {
  const key = at.key(slot)
  return bytesOf({ opcode: GETK, key }) + bytesOf({ opcode: DELETEQ, key })
}
