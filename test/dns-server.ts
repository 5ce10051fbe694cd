// A name server on UDP with the records that a test gives it. Knows enough of DNS to be asked by a real
// resolver for A, AAAA and SRV; nothing of who asks.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const
const SERVFAIL = 2
const NXDOMAIN = 3

export interface SrvRecord {
  readonly target: string
  readonly port: number
  readonly priority?: number
}

/** The records of a name; IPv6 addresses are written in full. */
export interface Records {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly SRV?: readonly SrvRecord[]
}

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port`, as resolvers take it. */
  readonly address: string
  /** Names that are not here don't exist. */
  readonly records: Map<string, Records>
  /** What it does with questions from now on. */
  mode: 'answer' | 'fail' | 'silent'
  /** How many questions have come. */
  questions: number
}

export async function startDnsServer(
  records: Readonly<Record<string, Records>>,
): Promise<DnsServer> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    records: new Map(Object.entries(records)),
    mode: 'answer',
    questions: 0,
    async [Symbol.asyncDispose]() {
      socket.close()
    },
  }
  socket.on('message', (question, from) => {
    server.questions++
    if (server.mode === 'silent') return
    const answer =
      server.mode === 'fail' ? reply(question, SERVFAIL, []) : answerTo(question, server.records)
    socket.send(answer, from.port, from.address)
  })
  return server
}

function answerTo(question: Buffer, records: ReadonlyMap<string, Records>): Buffer {
  const { name, end } = readName(question, 12)
  const type = question.readUInt16BE(end)
  const found = records.get(name.toLowerCase())
  if (found === undefined) return reply(question, NXDOMAIN, [])
  const answers: Buffer[] = []
  if (type === TYPES.A)
    for (const address of found.A ?? []) answers.push(record(type, ipv4(address)))
  if (type === TYPES.AAAA)
    for (const address of found.AAAA ?? []) answers.push(record(type, ipv6(address)))
  if (type === TYPES.SRV)
    for (const service of found.SRV ?? []) answers.push(record(type, srv(service)))
  return reply(question, 0, answers)
}

/** The header and question of the request, with answers to it. */
function reply(question: Buffer, code: number, answers: readonly Buffer[]): Buffer {
  const { end } = readName(question, 12)
  const head = Buffer.from(question.subarray(0, end + 4))
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(answers.length, 6)
  head.writeUInt16BE(0, 8)
  head.writeUInt16BE(0, 10)
  return Buffer.concat([head, ...answers])
}

/** Of the name in the question, which is at 12. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(1, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

function ipv6(address: string): Buffer {
  return Buffer.from(
    address
      .split(':')
      .map((part) => part.padStart(4, '0'))
      .join(''),
    'hex',
  )
}

function srv({ target, port, priority = 0 }: SrvRecord): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(priority, 0)
  head.writeUInt16BE(port, 4)
  const labels = target
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`))
  return Buffer.concat([head, ...labels, Buffer.of(0)])
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = message[at++]!; length > 0; length = message[at++]!) {
    labels.push(message.toString('latin1', at, at + length))
    at += length
  }
  return { name: labels.join('.'), end: at }
}
