// Which licences what we ship may have, and the list of those that it has. Knows nothing of how dependencies are found.
import spdxSatisfies from 'spdx-satisfies'
import { licenceOf, PUBLISHED } from './manifests.ts'
import { type Dependency, shippedDependencies } from './runtime-dependencies.ts'

/** Those that ask for no more than their notice: whoever installs memshard takes on no further duty. */
const ALLOWED = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'Zlib', 'Unlicense']

export function isAllowed(licence: string | undefined): boolean {
  if (licence === undefined) return false
  try {
    return spdxSatisfies(licence, ALLOWED)
  } catch {
    // Not an expression of SPDX: a custom licence, or `SEE LICENSE IN ...`.
    return false
  }
}

export interface Licensed extends Dependency {
  /** For one of another platform, that of who asks for it: they are parts of one work. */
  readonly licence: string | undefined
  /** Our packages that bring it along. */
  readonly broughtBy: readonly string[]
}

/** All that our packages bring along, but themselves. */
export function licencesOfDependencies(): readonly Licensed[] {
  const all = new Map<string, Dependency>()
  const broughtBy = new Map<string, string[]>()
  for (const member of PUBLISHED) {
    for (const [id, dependency] of shippedDependencies(member)) {
      if (dependency.integrity === undefined) continue
      all.set(id, dependency)
      broughtBy.set(id, [...(broughtBy.get(id) ?? []), member.replace('packages/', '')])
    }
  }
  const manifestFor = (id: string, { manifest }: Dependency) =>
    manifest ?? [...all.values()].find(({ asksFor }) => asksFor.includes(id))?.manifest
  return [...all]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, dependency]) => {
      const manifest = manifestFor(id, dependency)
      const licence = manifest && licenceOf(manifest)
      return { ...dependency, licence, broughtBy: broughtBy.get(id)! }
    })
}

/** docs/LICENCES.md. */
export function licenceList(dependencies: readonly Licensed[]): string {
  const rows = dependencies.map(({ name, version, licence, manifest, broughtBy }) => [
    `\`${name}\``,
    version,
    manifest === undefined ? `${licence} (another platform's part)` : String(licence),
    broughtBy.join(', '),
  ])
  const counts = new Map<string, number>()
  for (const { licence } of dependencies) {
    counts.set(`${licence}`, (counts.get(`${licence}`) ?? 0) + 1)
  }
  const summary = [...counts].map(([licence, count]) => `${count} ${licence}`).sort()
  return `# Licences of what comes along

memshard is under the MIT licence. Installing it installs the packages below as well, and what its bundles hold of them carries their
notices. Written by \`pnpm licences\`; a test says when it is out of date, or when a licence is none of those allowed
(${ALLOWED.join(', ')}).

${dependencies.length} packages: ${summary.join(', ')}.

${table(['package', 'version', 'licence', 'brought by'], rows)}
`
}

/** Columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
