// `pnpm sbom [--output <directory>]`: writes the bill of materials of each package, by default into dist/sbom.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { REPOSITORY } from '../repository.ts'
import { billOfMaterials } from './bill-of-materials.ts'
import { manifestOf, PUBLISHED } from './manifests.ts'

const { values } = parseArgs({ options: { output: { type: 'string' } } })

const output = resolve(values.output ?? join(REPOSITORY, 'dist/sbom'))
mkdirSync(output, { recursive: true })
for (const member of PUBLISHED) {
  const manifest = manifestOf(member)
  const file = join(output, `memshard-${basename(member)}-${manifest.version}.cdx.json`)
  writeFileSync(file, billOfMaterials(member, manifest))
  process.stdout.write(`${file}\n`)
}
