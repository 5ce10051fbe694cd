// Prometheus itself, scraping a port of a test. Knows no metric.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePort } from './nodes.ts'

export interface RunningPrometheus extends AsyncDisposable {
  /** The first value of the answer to a query; undefined for none. */
  value(query: string): Promise<number | undefined>
}

/** Scrapes that port of this machine each second. */
export async function startPrometheus(target: number): Promise<RunningPrometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'memshard-prometheus-'))
  const port = await freePort()
  const file = join(directory, 'prometheus.yml')
  writeFileSync(
    file,
    `scrape_configs:
  - job_name: memcached
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{ targets: ['127.0.0.1:${target}'] }]
`,
  )
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(() =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    .toBe(true)
  return {
    async value(query) {
      const asked = `${url}/api/v1/query?query=${encodeURIComponent(query)}`
      const { data } = (await (await fetch(asked)).json()) as {
        data: { result: { value: [number, string] }[] }
      }
      return data.result[0] && Number(data.result[0].value[1])
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
      rmSync(directory, { recursive: true })
    },
  }
}
