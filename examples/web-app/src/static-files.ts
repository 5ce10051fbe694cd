// The files that pages ask for: styles, scripts and pictures, read and drawn once. Knows where they lie, and their types.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pictureOf } from './plant-picture.ts'
import { PLANTS } from './plants.ts'

export interface StaticFile {
  readonly path: string
  readonly type: string
  readonly etag: string
  readonly body: Buffer
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Scripts as they were compiled; what is not compiled as it was written. */
export function staticFiles(): readonly StaticFile[] {
  const compiled = join(import.meta.dirname, 'page')
  const written = join(import.meta.dirname, '../src/page')
  const assets = [compiled, written].filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => TYPES[extname(name)] !== undefined)
      .map((name) => file(`/assets/${name}`, readFileSync(join(folder, name)))),
  )
  const pictures = PLANTS.map((plant) =>
    file(`/pictures/${plant.slug}.svg`, Buffer.from(pictureOf(plant).markup)),
  )
  return [...assets, ...pictures]
}

function file(path: string, body: Buffer): StaticFile {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return { path, body, type: TYPES[extname(path)]!, etag: `"${digest}"` }
}
