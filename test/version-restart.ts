// Whether two versions of the server go on with each other's memory files: builds that of another commit beside this
// one, and has each start on what the other has left, however it ended. Then the same with another layout in the other.
// node test/dist/version-restart.js [commit]
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MEMSHARD_SERVER, type RunningNode, startNode } from './nodes.ts'
import { REPOSITORY } from './repository.ts'
import { Wire } from './wire.ts'

const [commit = 'HEAD~1'] = process.argv.slice(2)
const KEYS = 5_000
const ENDS = ['SIGTERM', 'SIGUSR1', 'SIGKILL'] as const
const VERSION = /(export const LAYOUT_VERSION = )(\d+)/

const place = mkdtempSync(join(tmpdir(), 'memshard-'))
const other = join(place, 'other')
const otherServer = join(other, 'packages/server/bin/memshard-server')

const git = (...argv: readonly string[]): string =>
  execFileSync('git', argv, { cwd: REPOSITORY, encoding: 'utf8' }).trim()

/** Libraries are those of this commit, whose types may be others; what is wrong is told, and compiled all the same. */
function build(): void {
  const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  spawnSync('node', [compiler, '-b', 'packages/server'], { cwd: other, stdio: 'inherit' })
}

/** As many bytes as never fit a chunk, too, and values that say whose they are. */
function valueFor(key: number): string {
  return `${key},`.repeat(1 + (key % 500 === 0 ? 200_000 : (key * 7919) % 300))
}

async function fill(node: RunningNode): Promise<void> {
  await using wire = await Wire.connect(node)
  for (let key = 0; key < KEYS; key++) {
    const value = valueFor(key)
    const expiry = key % 3 === 0 ? 1000 : 0
    await wire.say(`set key:${key} ${key} ${expiry} ${value.length}\r\n${value}\r\n`)
  }
}

/** How many items there are, each as it was stored. */
async function check(node: RunningNode): Promise<number> {
  await using wire = await Wire.connect(node)
  let there = 0
  for (let key = 0; key < KEYS; key++) {
    const answer = await wire.say(`mg key:${key} f t v\r\n`)
    if (answer === 'EN\r\n') continue
    const value = valueFor(key)
    const [, ttl] = /^VA \d+ f\d+ t(-1|\d+)\r\n/.exec(answer) ?? []
    const lives = key % 3 === 0 ? Number(ttl) > 900 && Number(ttl) <= 1000 : ttl === '-1'
    if (answer !== `VA ${value.length} f${key} t${ttl}\r\n${value}\r\n` || !lives) {
      throw new Error(`key:${key} has come back as ${answer.slice(0, 200)}`)
    }
    there++
  }
  return there
}

async function expectItems(before: string, after: string, expected: number): Promise<void> {
  for (const end of ENDS) {
    const file = join(place, 'items')
    const args = ['-v', '-m', '128', '-e', file]
    {
      await using node = await startNode({ args, executable: before })
      await fill(node)
      await node.stop(end)
    }
    await using node = await startNode({ args, executable: after })
    const there = await check(node)
    const said = /"reason":"[^"]+"/.exec(node.output())?.[0] ?? 'and nothing to complain of'
    const name = (server: string): string => (server === otherServer ? 'the other' : 'this one')
    console.log(`${name(after)} after ${name(before)} and ${end}: ${there} items, ${said}`)
    if (there !== expected) throw new Error(`there should be ${expected}`)
    if (expected === 0 && !said.includes('layout')) throw new Error('it does not say why')
    await node.stop()
    rmSync(file)
  }
}

try {
  const hash = git('rev-parse', '--short', commit)
  git('worktree', 'add', '--quiet', '--detach', other, hash)
  for (const under of ['', 'packages/server', 'packages/client', 'packages/bench', 'test']) {
    const modules = join(REPOSITORY, under, 'node_modules')
    const link = join(other, under, 'node_modules')
    if (existsSync(modules) && !existsSync(link)) symlinkSync(modules, link)
  }
  build()
  const header = join(other, 'packages/server/src/runtime/memory-file-header.ts')
  const source = readFileSync(header, 'utf8')
  const ours = join(REPOSITORY, 'packages/server/src/runtime/memory-file-header.ts')
  const same = VERSION.exec(source)?.[2] === VERSION.exec(readFileSync(ours, 'utf8'))?.[2]
  console.log(`${hash}: the ${same ? 'same layout' : 'layout is another'}`)
  await expectItems(otherServer, MEMSHARD_SERVER, same ? KEYS : 0)
  await expectItems(MEMSHARD_SERVER, otherServer, same ? KEYS : 0)
  if (same) {
    writeFileSync(
      header,
      source.replace(VERSION, (_, name, version) => `${name}${version}7`),
    )
    build()
    console.log(`${hash} with another version of the layout`)
    await expectItems(otherServer, MEMSHARD_SERVER, 0)
    await expectItems(MEMSHARD_SERVER, otherServer, 0)
  }
} finally {
  if (existsSync(other)) git('worktree', 'remove', '--force', other)
  rmSync(place, { recursive: true })
}
