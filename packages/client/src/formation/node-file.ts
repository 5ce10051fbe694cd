// The list of a formation's nodes in a file, as `fileDiscovery` reads it. Replaced as a whole: who reads it at any moment
// finds one list or the other.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { ArgumentError } from '../errors.ts'

/** @throws ArgumentError when it can't be written. */
export function writeNodeFile(file: string, nodes: readonly { readonly address: string }[]): void {
  const lines = ['# The nodes of a formation that memshard up runs; it writes this file.']
  const text = [...lines, ...nodes.map(({ address }) => address), ''].join('\n')
  try {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  } catch (cause) {
    throw new ArgumentError(`the list of nodes can't be written: ${(cause as Error).message}`, {
      cause,
    })
  }
}

export function removeNodeFile(file: string): void {
  rmSync(file, { force: true })
}
