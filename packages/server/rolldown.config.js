// Joins the server's compiled modules into one file for the main thread and one for the workers, besides what few
// servers need: the process starts in less time and memory. Readable, so that stack traces and profiles stay so.
// And the admin page's script, with the parts of Observable Plot it uses and the licences of what is in it, into one
// file for browsers; its style sheets go beside it, as one.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** As CommonJS, because Node's loader of ES modules takes a tenth of a start, in each thread anew. */
const COMMONJS = {
  name: 'module-format',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'package.json', source: '{ "type": "commonjs" }\n' })
  },
}

const bundle = (thread, cleanDir) => ({
  input: here(`dist/runtime/${thread}.js`),
  platform: 'node',
  // Dependencies stay what was installed.
  external: ['koffi', 'commander', 'pino', 'pino-pretty', 'prom-client', /^@memshard\/client/],
  plugins: [COMMONJS],
  // As far below the package's directory as dist/runtime/: modules find its other files from where they are.
  output: {
    dir: here('dist/bundle'),
    format: 'cjs',
    chunkFileNames: `${thread}-[name].js`,
    cleanDir,
  },
})

const STYLE_SHEETS = ['colors', 'text', 'charts', 'tables']

const PAGE_FILES = {
  name: 'page-files',
  generateBundle() {
    const read = (file) => readFileSync(here(`src/admin/page/${file}`), 'utf8')
    const source = STYLE_SHEETS.map((name) => read(`${name}.css`)).join('\n')
    this.emitFile({ type: 'asset', fileName: 'page.css', source })
    for (const fileName of ['index.html', 'icon.svg']) {
      this.emitFile({ type: 'asset', fileName, source: read(fileName) })
    }
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

const page = {
  input: here('dist/admin/page/main.js'),
  platform: 'browser',
  plugins: [PAGE_FILES, LICENCES],
  output: { file: here('dist/admin/page/page.js'), format: 'iife', minify: true },
}

// rolldown takes a default export alone.
// biome-ignore lint/style/noDefaultExport: see above
export default [bundle('main', true), bundle('worker', false), page]
