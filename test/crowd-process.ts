// The process of a crowd (crowd.ts): opens thousands of sockets, and does with them what it is told. It gives way to all
// others, so that what others wait for is the server. Knows sockets; what is sent means nothing to it.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { Crowding, Habit, Order } from './crowd.ts'

const HEARD_BYTES = 60
const LOWEST_PRIORITY = 19
/** Who is not read from any more has sent what it could. */
const SENDING_MS = 500

const open = new Set<Socket>()
const heard: Record<string, number> = {}
let connected = 0
let failed = 0
let received = 0

function crowding(): Crowding {
  return { connected, open: open.size, failed, received, heard }
}

async function openAll(habit: Habit): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < habit.clients) await visit(habit, next++)
  }
  await Promise.all(Array.from({ length: habit.atOnce ?? 200 }, one))
}

/** One client, up to where the test need not wait for it any longer. */
async function visit(habit: Habit, number: number): Promise<void> {
  const { host, port, secure = false, reads = true, leaves } = habit
  const raw = connect({ host, port }).setNoDelay(true)
  const socket = secure ? connectTls({ socket: raw, host, rejectUnauthorized: false }) : raw
  open.add(raw)
  const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()))
  raw.on('error', () => {})
  socket.on('error', () => {})
  void closed.then(() => open.delete(raw))
  const isConnected = await Promise.race([
    once(socket, secure ? 'secureConnect' : 'connect').then(
      () => true,
      () => false,
    ),
    closed.then(() => false),
  ])
  if (!isConnected) {
    failed++
    return
  }
  connected++
  const answered = new Promise<void>((resolve) => {
    if (!reads) {
      socket.pause()
      return
    }
    socket.on('data', (data: Buffer) => {
      received += data.length
      resolve()
    })
    socket.once('data', (data: Buffer) => {
      const text = data.toString('latin1', 0, HEARD_BYTES)
      heard[text] = (heard[text] ?? 0) + 1
    })
  })
  if (leaves?.when !== 'connected') await send(socket, habit, number, closed)
  if (leaves?.when === 'answered') await Promise.race([answered, closed])
  if (leaves === undefined) return
  goAway(raw, leaves.reset)
  await closed
}

async function send(
  socket: Socket,
  { send: text = '', drip }: Habit,
  number: number,
  closed: Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(text.replaceAll('{n}', String(number)), 'latin1')
  if (bytes.length > 0) {
    const sent = new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
    await Promise.race([sent, closed, sleep(SENDING_MS)])
  }
  if (drip === undefined) return
  let at = number % drip.text.length
  const timer = setInterval(() => {
    socket.write(drip.text[at++ % drip.text.length] ?? '')
  }, drip.everyMs)
  void closed.then(() => clearInterval(timer))
}

function goAway(socket: Socket, reset: boolean): void {
  if (reset) socket.resetAndDestroy()
  else socket.destroy()
}

async function leaveAll(reset: boolean): Promise<void> {
  for (const socket of open) goAway(socket, reset)
  while (open.size > 0) await sleep(5)
}

async function obey(order: Order): Promise<void> {
  if (order.order === 'open') await openAll(order.habit)
  else if (order.order === 'leave') await leaveAll(order.reset)
  process.send?.(crowding())
}

setPriority(LOWEST_PRIORITY)
process.on('message', (order: Order) => void obey(order))
process.once('disconnect', () => process.exit())
process.send?.('ready')
