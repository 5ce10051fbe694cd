// Starts a real etcd of one member for a test, with its data in a directory of its own.
// Knows the process; what is in it is the test's.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './nodes.ts'

const READY_DEADLINE_MS = 30_000

export interface RunningEtcd extends AsyncDisposable {
  readonly endpoint: string
  /** Kills it; what it knows is kept. */
  stop(): Promise<void>
  /** On the same port, with what it knew. */
  start(): Promise<void>
  /** Asks its JSON gateway, as anybody might. */
  ask(path: string, body: object): Promise<Record<string, unknown>>
  put(key: string, value: string): Promise<void>
  delete(key: string): Promise<void>
}

export async function startEtcd(): Promise<RunningEtcd> {
  const directory = await mkdtemp(join(tmpdir(), 'memshard-etcd-'))
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const peers = `http://127.0.0.1:${await freePort()}`
  let stop = async (): Promise<void> => {}

  const ask = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${endpoint}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`etcd answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }

  const start = async (): Promise<void> => {
    const child = spawn(
      'etcd',
      [
        ['--name', 'test', '--data-dir', directory],
        ['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
        [
          '--initial-cluster',
          `test=${peers}`,
          '--heartbeat-interval',
          '50',
          '--election-timeout',
          '500',
        ],
      ].flat(),
      { stdio: 'ignore' },
    )
    const exited = once(child, 'exit')
    exited.catch(() => {})
    stop = async () => {
      child.kill('SIGKILL')
      await exited
    }
    const deadline = Date.now() + READY_DEADLINE_MS
    while (!(await ask('/v3/kv/range', { key: 'AA==' }).then(Boolean, () => false))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await stop()
        throw new Error('etcd does not answer')
      }
      await sleep(50)
    }
  }

  await start()
  return {
    endpoint,
    start,
    stop: () => stop(),
    ask,
    put: async (key, value) => {
      await ask('/v3/kv/put', { key: btoa(key), value: btoa(value) })
    },
    delete: async (key) => {
      await ask('/v3/kv/deleterange', { key: btoa(key) })
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
