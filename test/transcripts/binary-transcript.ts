// What a transcript of the binary protocol is: requests and the answers to them, field for field, and how
// one is held against a server. Knows no server and no command.
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import {
  type Answer,
  OPCODES,
  type Opcode,
  type PacketFields,
  packet,
  readAnswers,
} from '../packets.ts'
import { type Endpoint, Wire } from '../wire.ts'

/** A CAS unique is a number, or a name for one that the server chooses: the same wherever it comes again. */
type Cas = bigint | string

export interface Request extends Omit<PacketFields, 'cas'> {
  readonly name: Opcode
  readonly cas?: Cas
}

/** All fields of an answer, but that its opaque is the request's: 0, unless given. */
export interface Expected {
  readonly name: Opcode
  readonly opcode?: number
  readonly status?: number
  readonly opaque?: number
  readonly cas?: Cas
  readonly extras?: Uint8Array
  readonly key?: string
  /** `{version}` stands for the server's. */
  readonly value?: string
}

export interface BinaryTranscript {
  readonly title: string
  readonly exchanges: readonly (readonly [
    requests: readonly Request[],
    answers: readonly Expected[],
  ])[]
  /** After the last answer the server closes the connection. */
  readonly closes?: boolean
}

export const request = (name: Opcode, fields: Omit<Request, 'name'> = {}): Request => ({
  name,
  ...fields,
})

export const answer = (name: Opcode, fields: Omit<Expected, 'name'> = {}): Expected => ({
  name,
  ...fields,
})

const FENCE_OPAQUE = 0xfefe_fefe

/** Holds the conversation on a connection of its own and compares every answer. */
export async function holdBinary(
  endpoint: Endpoint,
  { exchanges, closes = false }: BinaryTranscript,
  version: string,
): Promise<void> {
  await using wire = await Wire.connect(endpoint)
  const names = new Map<string, bigint>()
  for (const [i, [requests, expected]] of exchanges.entries()) {
    for (const { name, cas, ...fields } of requests) {
      wire.send(
        packet(name, { ...fields, cas: typeof cas === 'string' ? named(cas, names) : (cas ?? 0n) }),
      )
    }
    const last = closes && i === exchanges.length - 1
    const answers = last ? await answersToEnd(wire) : await answersToFence(wire)
    expect(answers.map((one, n) => readable(one, expected[n], names))).toEqual(
      expected.map((one) => expectation(one, version)),
    )
  }
}

async function answersToEnd(wire: Wire): Promise<Answer[]> {
  const { answers, rest } = readAnswers(await wire.readToEnd())
  expect(rest).toHaveLength(0)
  return answers
}

/** What is answered before the noop that is sent now. */
export async function answersToFence(wire: Wire): Promise<Answer[]> {
  wire.send(packet('noop', { opaque: FENCE_OPAQUE }))
  const fence = packet('noop', { opaque: FENCE_OPAQUE, magic: 0x81 })
  const { answers, rest } = readAnswers(await wire.readUntil(fence.toString('latin1')))
  expect(rest).toHaveLength(0)
  return answers.slice(0, -1)
}

function named(name: string, names: ReadonlyMap<string, bigint>): bigint {
  const cas = names.get(name)
  if (cas === undefined)
    throw new Error(`nothing has been answered with the CAS unique ${name} yet`)
  return cas
}

/** Comparable with what `expected` makes of the answer that stands in the transcript at this place. */
function readable(
  answer: Answer,
  wanted: Expected | undefined,
  names: Map<string, bigint>,
): object {
  const { cas, extras, value, ...rest } = answer
  const name = typeof wanted?.cas === 'string' ? wanted.cas : undefined
  const isNamed = name !== undefined && standsFor(name, cas, names)
  return {
    ...rest,
    cas: isNamed ? name : String(cas),
    extras: extras.toString('hex'),
    value: shortened(value),
  }
}

function expectation(expected: Expected, version: string): object {
  const { name, opcode, status, opaque, cas, extras, key, value } = expected
  return {
    opcode: opcode ?? OPCODES[name],
    dataType: 0,
    status: status ?? 0,
    opaque: opaque ?? 0,
    key: key ?? '',
    cas: String(cas ?? 0n),
    extras: Buffer.from(extras ?? []).toString('hex'),
    value: shortened(value ?? '').replace('{version}', version),
  }
}

function standsFor(name: string, cas: bigint, names: Map<string, bigint>): boolean {
  const known = names.get(name)
  if (cas === 0n || (known !== undefined && known !== cas)) return false
  if (known === undefined && [...names.values()].includes(cas)) return false
  names.set(name, cas)
  return true
}

/** For messages: the middle of something very long adds nothing, but what it was does. */
function shortened(text: string): string {
  if (text.length <= 1_000) return text
  const digest = createHash('sha1').update(text, 'latin1').digest('hex')
  return `${text.slice(0, 60)}… (${text.length} bytes, ${digest}) …${text.slice(-60)}`
}
