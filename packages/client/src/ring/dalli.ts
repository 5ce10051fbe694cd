// dalli's ring (Ruby): points by SHA-1, 160 per node on average, shared out by weight in doubles;
// keys by CRC-32; and a key belongs to the last point at or before its hash, not to the next.
import { createHash } from 'node:crypto'
import { Continuum } from './continuum.ts'
import { keyHashes } from './key-hash.ts'
import { NodePoints } from './node-points.ts'
import type { Distribution, RingNode } from './router.ts'

const POINTS_PER_NODE = 160

export function dalli(): Distribution {
  // Seen in a mirror, the last point at or before is the first at or after.
  const points = new NodePoints((name, count) =>
    Uint32Array.from({ length: count }, (_, i) => ~pointOf(`${name}:${i}`)),
  )
  const keyHash = (key: string): number => ~keyHashes.crc32a(key) >>> 0
  return (nodes) => new Continuum(points.of(nodes, countPoints(nodes)), keyHash)
}

function pointOf(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32BE(0)
}

function countPoints(nodes: readonly RingNode[]): number[] {
  const total = nodes.reduce((sum, node) => sum + node.weight, 0)
  return nodes.map((node) => Math.floor((nodes.length * POINTS_PER_NODE * node.weight) / total))
}
