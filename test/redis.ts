// Starts a real Redis for tests that hold ours against it. Knows how to launch, await and stop it, and nothing of what a test does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './nodes.ts'

const READY_DEADLINE_MS = 30_000

export interface RunningRedis extends AsyncDisposable {
  readonly port: number
}

/** In memory alone, on 127.0.0.1; resolves when it answers. */
export async function startRedis(): Promise<RunningRedis> {
  const port = await freePort()
  const argv = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', argv, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const deadline = Date.now() + READY_DEADLINE_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error('redis-server did not answer')
    }
    await sleep(20)
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(1_000, () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')))
    socket.once('connect', () => socket.write('PING\r\n'))
  })
}
