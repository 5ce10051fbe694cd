// Joins the compiled script of HTML reports and the parts of Observable Plot it uses into one file, which
// each report carries along, with the licences of what is in it; the style sheets go beside it, as one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LICENCES } from '../../build/licences.js'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

const STYLE_SHEETS = ['colors', 'text', 'tables', 'plots']

const STYLE_SHEET = {
  name: 'style-sheet',
  generateBundle() {
    const source = STYLE_SHEETS.map((name) => readFileSync(here(`src/page/${name}.css`), 'utf8'))
    this.emitFile({ type: 'asset', fileName: 'page.css', source: source.join('\n') })
  },
}

// rolldown takes a default export alone.
// biome-ignore lint/style/noDefaultExport: see above
export default {
  input: here('dist/page/main.js'),
  platform: 'browser',
  plugins: [STYLE_SHEET, LICENCES],
  output: { file: here('dist/page/page.js'), format: 'iife', minify: true },
}
