// Puts the notices of the libraries whose code a bundle holds at its beginning: copies must have them. Knows bundles of
// rolldown, none in particular.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const LICENCES = {
  name: 'licences',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue
      const packages = new Set(chunk.moduleIds.map(packageOf).filter(Boolean))
      const notices = [...packages].sort().map(noticeOf)
      chunk.code = `/*\n${notices.join('\n')}*/\n${chunk.code}`
    }
  },
}

/** The directory of the package that a module is of; undefined for this one. */
function packageOf(module) {
  if (!module.includes('/node_modules/')) return undefined
  let directory = dirname(module)
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

function noticeOf(directory) {
  const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} has no licence that its copies could carry`)
  return `${name} ${version}\n\n${readFileSync(join(directory, file), 'utf8').replaceAll('*/', '* /')}`
}
