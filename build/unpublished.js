// Keeps out of packages what their sources say is for tests only: writes the list into dist/, where npm and pnpm look for it
// when they pack. A new module of that kind needs no more than to say so in its first line.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MARK = '// For tests only'

for (const name of ['client', 'server', 'bench']) {
  const directory = fileURLToPath(new URL(`../packages/${name}`, import.meta.url))
  const modules = readdirSync(`${directory}/src`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => readFileSync(`${directory}/src/${file}`, 'utf8').startsWith(MARK))
    .map((file) => `/${file.replace(/\.ts$/, '.*')}\n`)
  writeFileSync(`${directory}/dist/.npmignore`, modules.sort().join(''))
}
