// Every code block of our pages is run as it stands there, in the order of the page: programs are compiled and run against nodes,
// commands are typed into a shell. What a page doesn't say of how, a comment above the block does: documentation/examples.ts.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNamespaces, missingNamespaces } from './chaos/namespaces.ts'
import { type Example, examplesOf, isRun, programOf } from './documentation/examples.ts'
import type { Outcome } from './documentation/page.ts'
import { compile, programName } from './documentation/programs.ts'
import { REPOSITORY } from './repository.ts'

const LANGUAGES = ['ts', 'js', 'sh', 'console']

function pages(): readonly string[] {
  const markdown = (directory: string) =>
    readdirSync(join(REPOSITORY, directory))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(directory, name))
  const members = ['packages', 'examples'].flatMap((parent) =>
    existsSync(join(REPOSITORY, parent))
      ? readdirSync(join(REPOSITORY, parent)).map((name) => join(parent, name, 'README.md'))
      : [],
  )
  return ['README.md', 'SECURITY.md', ...markdown('docs'), ...members].filter((page) =>
    existsSync(join(REPOSITORY, page)),
  )
}

const examples = new Map<string, readonly Example[]>()
for (const page of pages()) {
  const found = examplesOf(readFileSync(join(REPOSITORY, page), 'utf8'))
  if (found.length > 0) examples.set(page, found)
}

const programs = new Map<string, string>()
for (const [page, found] of examples) {
  for (const [i, example] of found.entries()) {
    if (example.language !== 'ts' && example.language !== 'js') continue
    if (example.elsewhere !== undefined) continue
    const program = programOf(example, found.slice(0, i))
    programs.set(programName(page, example, program), program)
  }
}

/** Of files of this repository, without what stands behind `#`. */
function linksOf(page: string): readonly string[] {
  const text = readFileSync(join(REPOSITORY, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/.test(link))
}

test.each(pages())('%s links to files that are there', (page) => {
  const gone = linksOf(page).filter((link) => !existsSync(join(REPOSITORY, dirname(page), link)))
  expect(gone).toEqual([])
})

const missing = missingNamespaces()
let directory: string
let faults: ReadonlyMap<string, string>

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-documentation-'))
  faults = await compile(directory, programs)
}, 300_000)

afterAll(() => {
  rmSync(directory, { recursive: true })
})

function runPage(page: string): Promise<{ outcomes: readonly Outcome[]; stderr: string }> {
  const program = join(REPOSITORY, 'test/dist/documentation/page.js')
  const [file, args] = inNamespaces(program, [page, directory])
  return new Promise((resolve) => {
    execFile(file, args, { maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
      resolve({ outcomes: lines.map((line) => JSON.parse(line) as Outcome), stderr })
    })
  })
}

describe.each([...examples])('%s', (page, found) => {
  let outcomes: readonly Outcome[] = []
  let stderr = ''

  beforeAll(async () => {
    if (missing === undefined) ({ outcomes, stderr } = await runPage(page))
  }, 600_000)

  test.each(found)('line $line, $language', (example) => {
    const { language, shownBy, elsewhere } = example
    if (shownBy !== undefined) expect(existsSync(join(REPOSITORY, shownBy)), shownBy).toBe(true)
    if (elsewhere !== undefined) expect(elsewhere.length).toBeGreaterThan(20)
    if (!isRun(example)) return
    expect(LANGUAGES, 'a language that can be run').toContain(language)
    if (language === 'ts' || language === 'js') {
      const program = programOf(example, found.slice(0, found.indexOf(example)))
      expect(faults.get(programName(page, example, program))).toBeUndefined()
    }
  })

  test.for(found.filter(isRun))('line $line, $language, runs', ({ line, code }, { skip }) => {
    skip(missing !== undefined, missing)
    const outcome = outcomes.find((each) => each.line === line)
    expect(outcome, stderr).toBeDefined()
    expect(outcome?.code, `${code}\n---\n${outcome?.stdout}\n${outcome?.stderr}`).toBe(0)
  })
})
