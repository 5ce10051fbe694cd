// Makes of the compiled modules what CommonJS loaders without `require` of ES modules take: one file for each entry
// of the package, and the same types as CommonJS. Node itself takes the ES modules either way, so that there is one
// Client and one of each error class in a process.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { dependencies, peerDependencies, devDependencies, exports } = JSON.parse(
  readFileSync(here('package.json'), 'utf8'),
)

/** Of every entry that can be required: the module that it is without its extension, and where that lies. */
const entries = Object.values(exports)
  .map(({ default: path }) => path)
  .filter((path) => path !== undefined)
  .map((path) => [path.slice('./dist/'.length, -'.js'.length), here(path)])

const COMMONJS = {
  name: 'commonjs-package',
  generateBundle() {
    const emit = (fileName, source) => this.emitFile({ type: 'asset', fileName, source })
    emit('package.json', '{ "type": "commonjs" }\n')
    const declarations = readdirSync(here('dist'), { recursive: true, encoding: 'utf8' })
    for (const fileName of declarations) {
      if (!/^(?!(?:commonjs|cli)\/).*(?<!\.test)\.d\.ts$/.test(fileName)) continue
      emit(fileName, readFileSync(here(`dist/${fileName}`), 'utf8'))
    }
  },
}

// rolldown takes a default export alone.
// biome-ignore lint/style/noDefaultExport: see above
export default {
  input: Object.fromEntries(entries),
  platform: 'node',
  external: Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }),
  plugins: [COMMONJS],
  output: { dir: here('dist/commonjs'), format: 'cjs', cleanDir: true },
}
