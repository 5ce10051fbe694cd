// The files a server leaves while it runs: `-P` with its process id, and the file named by
// MEMCACHED_PORT_FILENAME with the ports it got. Knows only their formats.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Settings } from './settings.ts'

export function writeProcessFiles(settings: Settings, addresses: readonly string[]): void {
  if (settings.pidFile !== undefined) writeFileSync(settings.pidFile, `${process.pid}\n`)
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

function portLine(address: string): string | undefined {
  const match = /^(udp:)?(\[.*\]|[\d.]+):(\d+)$/.exec(address)
  if (match === null) return undefined
  const [, udp, host, port] = match
  return `${udp === undefined ? 'TCP' : 'UDP'} ${host.startsWith('[') ? 'INET6' : 'INET'}: ${port}\n`
}
