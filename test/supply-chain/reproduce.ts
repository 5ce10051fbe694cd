// `pnpm reproducible [--output <directory>]`: builds everything twice and says whether the same came out; what came out
// is what a release publishes.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { reproduce } from './reproduction.ts'

const { values } = parseArgs({ options: { output: { type: 'string' } } })

const directory = mkdtempSync(join(tmpdir(), 'memshard-build-'))
try {
  const { checksums, tarballs } = await reproduce(directory)
  for (const [name, [one, other]] of checksums) {
    const isSame = one === other
    process.stdout.write(`${one}  ${name}${isSame ? '' : `: the other build's is ${other}`}\n`)
    if (!isSame) process.exitCode = 1
  }
  if (values.output !== undefined && process.exitCode === undefined) {
    const output = resolve(values.output)
    mkdirSync(output, { recursive: true })
    for (const tarball of tarballs) cpSync(tarball, join(output, basename(tarball)))
  }
} finally {
  rmSync(directory, { recursive: true })
}
