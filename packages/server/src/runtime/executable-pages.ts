// Unmaps what the start alone needed of Node's executable: V8's snapshot, the parser, the module loader. Knows
// what Linux tells of a process' mappings, and nothing of what they hold.
import { readFileSync, readlinkSync } from 'node:fs'
import type { SystemCalls } from '../transport/system-calls.ts'

/** A mapping of a file that is read or executed, never written: address range and path. */
const READ_ONLY_MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p .* (\/.*)$/m
/** None of its pages was copied to be written, as those that the linker relocated were. */
const UNWRITTEN = /^Anonymous: +0 kB$/m

/**
 * Takes the executable's pages out of this process' memory; those that serve come back from the system's page
 * cache as they are touched, 64 KiB at a time. Where the mappings can't be read, nothing happens.
 */
export function discardExecutablePages(calls: SystemCalls): void {
  let executable: string
  let mappings: string
  try {
    executable = readlinkSync('/proc/self/exe')
    mappings = readFileSync('/proc/self/smaps', 'latin1')
  } catch {
    return
  }
  for (const mapping of mappings.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const found = READ_ONLY_MAPPING.exec(mapping)
    if (found === null || found[3] !== executable || !UNWRITTEN.test(mapping)) continue
    const from = Number.parseInt(found[1], 16)
    calls.discard(from, Number.parseInt(found[2], 16) - from)
  }
}
