// A server with its admin port open, and how it is asked over HTTP. Knows no route.
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type NodeOptions, type RunningNode, startNode } from './nodes.ts'

export interface AdminNode extends AsyncDisposable {
  readonly node: RunningNode
  readonly port: number
  readonly url: string
  ask(path: string, options?: AskOptions): Promise<HttpAnswer>
}

export interface AskOptions {
  readonly method?: string
  /** `host` too. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

const DEADLINE_MS = 40_000

export async function startAdminNode(options: NodeOptions = {}): Promise<AdminNode> {
  const port = await freePort()
  const args = ['--admin', `127.0.0.1:${port}`, ...(options.args ?? [])]
  const node = await startNode({ ...options, args })
  // Clients may come a moment earlier.
  while (!(await askHttp(port, '/healthz').then(Boolean, () => false))) await sleep(10)
  return {
    node,
    port,
    url: `http://127.0.0.1:${port}`,
    ask: (path, asked) => askHttp(port, path, asked),
    [Symbol.asyncDispose]: async () => void (await node.stop('SIGKILL')),
  }
}

/** Not `fetch`, which sets some headers itself. */
export function askHttp(port: number, path: string, options: AskOptions = {}): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        answer.once('end', () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })
        })
        answer.once('error', reject)
      },
    )
    asked.setTimeout(DEADLINE_MS, () => asked.destroy(new Error(`${path} is not answered`)))
    asked.once('error', reject)
    asked.end(body)
  })
}
