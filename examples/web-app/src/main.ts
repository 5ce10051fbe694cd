// The command: starts three nodes, the origin and the application, says where it is, and stops all of them when it is told to.
// Knows the order of these.

import { startApp } from './app.ts'
import { NodeProcesses } from './node-processes.ts'
import { Origin } from './origin.ts'

const NODES = 3
const USAGE = 2

async function main(): Promise<void> {
  const port = portFrom(process.env.PORT)
  const stop = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal))
  })
  await using processes = await NodeProcesses.start(NODES)
  await using origin = new Origin()
  const { app, url } = await startApp(processes, origin, port)
  process.stdout.write(`${url} is the nursery, cached by:\n`)
  for (const { name, port, pid } of processes.status) {
    process.stdout.write(`  ${name} on port ${port}, process ${pid}\n`)
  }
  process.stdout.write('Ctrl-C stops all of it.\n')
  await stop
  await app.close()
}

/** 0, which is a free one, unless a port was asked for. */
function portFrom(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  process.stderr.write(`PORT is ${JSON.stringify(text)}: give a number from 0 to 65535\n`)
  process.exit(USAGE)
}

main().catch((error: Error & { code?: string }) => {
  const taken = error.code === 'EADDRINUSE' ? ': give another PORT, or none for a free one' : ''
  process.stderr.write(`${error.message}${taken}\n`)
  process.exitCode = 1
})
