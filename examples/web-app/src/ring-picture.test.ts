import { Client } from '@memshard/client'
import { expect, test } from 'vitest'
import { positionOf, ringPicture } from './ring-picture.ts'

const NODES = [1, 2, 3].map((i) => ({ name: `cache-${i}`, host: '127.0.0.1', port: i }))

test('the picture has the shares that the client tells, and each key where it lives', async () => {
  await using client = new Client({ nodes: NODES })
  const names = NODES.map(({ name }) => name)
  const { runs, slices } = ringPicture(client, client, names)
  const owners = runs.flatMap(([now, , length]) => new Array<number>(length).fill(now))
  expect(owners).toHaveLength(slices)
  for (const [name, share] of client.shares()) {
    const drawn = owners.filter((owner) => names[owner] === name).length / slices
    expect(Math.abs(drawn - share)).toBeLessThan(0.03)
  }
  // Where a slice is cut by a point, it is drawn as one of the two nodes.
  const keys = Array.from({ length: 1_000 }, (_, i) => `page:/plants/${i}`)
  const right = keys.filter(
    (key) => names[owners[Math.floor(positionOf(key) * slices)]!] === client.locate(key)?.name,
  )
  expect(right.length).toBeGreaterThan(800)
})
