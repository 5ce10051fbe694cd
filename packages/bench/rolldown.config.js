// Joins the compiled script of HTML reports and the parts of Observable Plot it uses into one file, which
// each report carries along, with the licences of what is in it; the style sheets go beside it, as one.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

const STYLE_SHEETS = ['colors', 'text', 'tables', 'plots']

const STYLE_SHEET = {
  name: 'style-sheet',
  generateBundle() {
    const source = STYLE_SHEETS.map((name) => readFileSync(here(`src/page/${name}.css`), 'utf8'))
    this.emitFile({ type: 'asset', fileName: 'page.css', source: source.join('\n') })
  },
}

/** Copies of the libraries must have their notices with them. */
const LICENCES = {
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

// rolldown takes a default export alone.
// biome-ignore lint/style/noDefaultExport: see above
export default {
  input: here('dist/page/main.js'),
  platform: 'browser',
  plugins: [STYLE_SHEET, LICENCES],
  output: { file: here('dist/page/page.js'), format: 'iife', minify: true },
}
