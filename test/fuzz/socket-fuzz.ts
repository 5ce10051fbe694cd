// Inputs of the committed corpus, changed, sent to a real server over real sockets and in pieces: it stays alive, lets go
// of every connection whose client has no more to say, and meanwhile answers another. Knows no coverage: where inputs
// lead is found out faster within the process.
import { once } from 'node:events'
import { connect } from 'node:net'
import { startNode } from '../nodes.ts'
import { Wire } from '../wire.ts'
import { corpusDirectory } from './campaign.ts'
import { readInputs } from './corpus.ts'
import { mutate } from './mutation.ts'
import { Random } from './random.ts'
import { BINARY_WORDS, cut, SEEDS, TEXT_WORDS } from './targets/vocabulary.ts'

const CONNECTIONS_AT_ONCE = 16
/** Waiting for what takes a server milliseconds, on a machine that has others to serve. */
const DEADLINE_MS = 20_000

export interface SocketPlan {
  readonly seed: number
  readonly inputs: number
  /** Of the server. */
  readonly args?: readonly string[]
}

export interface SocketOutcome {
  readonly inputs: number
  readonly answeredBytes: number
  /** Connections left when all had hung up, the one that asks included. */
  readonly connections: number
  readonly exit: number | NodeJS.Signals
}

/** @throws Error if the server dies, answers the other connection late, or keeps one that has ended. */
export async function fuzzSockets(plan: SocketPlan): Promise<SocketOutcome> {
  const random = new Random(plan.seed)
  const inputs = makeInputs(random)
  await using node = await startNode({ args: ['-m', '8', '-t', '2', ...(plan.args ?? [])] })
  await using other = await Wire.connect(node)
  let answeredBytes = 0
  let sent = 0
  while (sent < plan.inputs) {
    const many = Math.min(CONNECTIONS_AT_ONCE, plan.inputs - sent)
    const batch = Array.from({ length: many }, () => inputs.next().value)
    const answers = batch.map((input) => say(node.port, input, random))
    await mustAnswer(other)
    for (const bytes of await Promise.all(answers)) answeredBytes += bytes
    sent += many
  }
  const connections = await connectionsLeft(other)
  await other[Symbol.asyncDispose]()
  return { inputs: sent, answeredBytes, connections, exit: await node.stop() }
}

function* makeInputs(random: Random): Generator<Uint8Array, never> {
  const protocols = (['classic', 'meta', 'binary'] as const).map((protocol) => ({
    dictionary: protocol === 'binary' ? BINARY_WORDS : TEXT_WORDS,
    known: [...SEEDS[protocol], ...readInputs(corpusDirectory(protocol))],
  }))
  for (;;) {
    const { dictionary, known } = random.from(protocols)
    yield mutate(random.from(known), { random, dictionary, other: () => random.from(known) })
  }
}

/** Says it in pieces and hangs up when the server has; how many bytes are answered. */
function say(port: number, input: Uint8Array, random: Random): Promise<number> {
  const pieces = [...cut(input, random)]
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let bytes = 0
    const late = setTimeout(() => {
      socket.destroy()
      const text = JSON.stringify(Buffer.from(input).toString('latin1'))
      reject(new Error(`the connection is kept though its client has ended: ${text}`))
    }, DEADLINE_MS)
    socket.on('data', (data) => {
      bytes += data.length
    })
    // Who is thrown out while it still speaks is told so by a reset.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(late)
      resolve(bytes)
    })
    socket.once('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return
        if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
        await new Promise(setImmediate)
      }
      socket.end()
    })
  })
}

async function mustAnswer(wire: Wire): Promise<void> {
  const answer = await wire.say('mn\r\n')
  if (answer !== 'MN\r\n') throw new Error(`another connection is answered ${answer}`)
}

/** Waits for the server to have noticed who is gone. */
async function connectionsLeft(wire: Wire): Promise<number> {
  const until = Date.now() + DEADLINE_MS
  for (;;) {
    const [, count] = (await wire.say('stats\r\n')).match(/STAT curr_connections (\d+)/) ?? []
    if (Number(count) <= 1 || Date.now() > until) return Number(count)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
