// How much memory another process has in use, and how many descriptors, as the kernel counts them. Linux only.
import { readdirSync, readFileSync } from 'node:fs'

export const MIB = 1024 * 1024

/** Resident bytes (VmRSS) of the process. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`no VmRSS of process ${pid}`)
  return Number(kilobytes) * 1024
}

/** Descriptors that the process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
