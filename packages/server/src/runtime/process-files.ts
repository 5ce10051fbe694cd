// The files a server leaves while it runs: `-P` with its process id, and the file named by
// MEMCACHED_PORT_FILENAME with the ports it got. Knows only their formats.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'

export function writeProcessFiles(
  settings: Settings,
  addresses: readonly string[],
  log: Log,
): void {
  if (settings.pidFile !== undefined) writePidFile(settings.pidFile, log)
  // memcached writes none when it serves a unix socket.
  if (settings.portFile !== undefined && settings.unixSocketPath === undefined) {
    const lines = addresses.map(portLine).filter((line) => line !== undefined)
    // Readers wait for the name to appear, so it appears with everything in it.
    writeFileSync(`${settings.portFile}.lck`, lines.join(''))
    renameSync(`${settings.portFile}.lck`, settings.portFile)
  }
}

export function removeProcessFiles(settings: Settings): void {
  if (settings.pidFile !== undefined) rmSync(settings.pidFile, { force: true })
}

/** As in memcached, neither another server's file nor one that can't be written is a reason not to serve. */
function writePidFile(path: string, log: Log): void {
  const running = runningProcess(path)
  if (running !== undefined) {
    log.warn(`WARNING: The pid file contained the following (running) pid: ${running}`)
  }
  try {
    // Another name first: who waits for the file must not find it empty.
    writeFileSync(`${path}.tmp`, `${process.pid}\n`)
    renameSync(`${path}.tmp`, path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    log.warn(`Could not open the pid file ${path} for writing: ${why}`)
  }
}

function runningProcess(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

function portLine(address: string): string | undefined {
  const match = /^(udp:)?(\[.*\]|[\d.]+):(\d+)$/.exec(address)
  if (match === null) return undefined
  const [, udp, host, port] = match
  return `${udp === undefined ? 'TCP' : 'UDP'} ${host.startsWith('[') ? 'INET6' : 'INET'}: ${port}\n`
}
