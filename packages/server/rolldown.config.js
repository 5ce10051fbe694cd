// Joins the server's compiled modules into one file for the main thread and one for the workers, besides what few
// servers need: the process starts in less time and memory. Readable, so that stack traces and profiles stay so.
// And the admin page's script, with the parts of Observable Plot it uses and the licences of what is in it, into one
// file for browsers; its style sheets go beside it, as one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LICENCES } from '../../build/licences.js'

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

const page = {
  input: here('dist/admin/page/main.js'),
  platform: 'browser',
  plugins: [PAGE_FILES, LICENCES],
  output: { file: here('dist/admin/page/page.js'), format: 'iife', minify: true },
}

// rolldown takes a default export alone.
// biome-ignore lint/style/noDefaultExport: see above
export default [bundle('main', true), bundle('worker', false), page]
