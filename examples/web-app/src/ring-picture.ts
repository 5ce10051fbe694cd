// The continuum, for a picture: which node has each of its slices, now and when all nodes are up. It asks the client where a
// key of each slice lives, and so shows what is so, not what it takes to be so. Knows keys and nodes.
import { createHash } from 'node:crypto'
import type { Client } from '@memshard/client'

const SLICES = 1_440
const HASHES = 2 ** 32

export interface RingPicture {
  /** The nodes' names, which the slices number. */
  readonly nodes: readonly string[]
  /** Runs of slices with the same nodes: who has them now (-1: nobody), whose they are, how many. */
  readonly runs: readonly (readonly [now: number, home: number, slices: number])[]
  readonly slices: number
}

/** Where a key is on the continuum, 0 to 1: its MD5, of which the client takes the first four bytes. */
export function positionOf(key: string): number {
  return createHash('md5').update(key).digest().readUInt32LE(0) / HASHES
}

/** A key for each slice. */
const KEYS = keysOfSlices()

export function ringPicture(now: Client, home: Client, nodes: readonly string[]): RingPicture {
  const numberOf = (client: Client, key: string): number =>
    nodes.indexOf(client.locate(key)?.name ?? '')
  const runs: [number, number, number][] = []
  for (const key of KEYS) {
    const owner = numberOf(now, key)
    const own = numberOf(home, key)
    const last = runs.at(-1)
    if (last?.[0] === owner && last[1] === own) last[2]++
    else runs.push([owner, own, 1])
  }
  return { nodes, runs, slices: SLICES }
}

function keysOfSlices(): readonly string[] {
  const keys = new Array<string>(SLICES)
  let found = 0
  for (let i = 0; found < SLICES; i++) {
    const slice = Math.floor(positionOf(`slice-${i}`) * SLICES)
    if (keys[slice] !== undefined) continue
    keys[slice] = `slice-${i}`
    found++
  }
  return keys
}
