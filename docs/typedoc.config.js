// The documentation site: the pages here, and a reference made of the docstrings of all that the packages export. Knows their
// manifests, which name the entry points; a new one is in the site without being told here.
import { readFileSync } from 'node:fs'
import { Converter } from 'typedoc'

/** By the name of its source, as TypeDoc has it: the name by which it is imported. */
const imports = new Map()
const entryPoints = []
for (const name of ['client', 'server']) {
  const file = new URL(`../packages/${name}/package.json`, import.meta.url)
  for (const [path, entry] of Object.entries(JSON.parse(readFileSync(file, 'utf8')).exports)) {
    if (typeof entry === 'string') continue
    const source =
      entry['memshard-source'] ?? entry.types.replace('/dist/', '/src/').replace('.d.ts', '.ts')
    entryPoints.push(`../packages/${name}/${source}`)
    const key = `${name}/${source.slice(2).replace(/(\/index)?\.ts$/, '')}`
    imports.set(key, `@memshard/${name}${path.slice(1)}`)
  }
}

/** Modules are called as they are imported, pages as their first heading. */
function nameByWhatReadersKnow({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      module.name = imports.get(module.name) ?? module.name
    }
    for (const page of project.documents ?? []) {
      const [, title] = /^# (.+)$/m.exec(page.content.map(({ text }) => text).join('')) ?? []
      page.name = title ?? page.name
    }
  })
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'memshard',
  plugin: [nameByWhatReadersKnow],
  entryPoints,
  tsconfig: 'tsconfig.json',
  out: 'site',
  readme: '../README.md',
  projectDocuments: [
    'GETTING-STARTED.md',
    'CONCEPTS.md',
    'RECIPES.md',
    'MIGRATING.md',
    'OPERATIONS.md',
    'PROXY.md',
    'PROTOCOL.md',
    'ARCHITECTURE.md',
    'LOCKS.md',
    'BENCHMARKS.md',
    'TESTING.md',
  ],
  sort: ['source-order'],
  excludeInternal: true,
  excludePrivate: true,
  hideGenerator: true,
  disableSources: true,
  treatWarningsAsErrors: true,
  // Types that only appear in others are not exported on purpose; links to folders are for those who read in the repository.
  validation: { notExported: false, invalidLink: true, invalidPath: false, notDocumented: false },
}
