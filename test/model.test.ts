// A short run of the model check over small pages, and the proof that it finds what it is for. `pnpm model` runs
// longer ones; over real pages it is `cache-model.test.ts`.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { campaign } from './model/campaign.ts'
import { PLANTED_DEFECTS } from './model/planted-defects.ts'
import { REPOSITORY } from './repository.ts'

const run = { scenarios: [], seed: Date.now() % 1_000_000, sequences: 475, seconds: Infinity }

test(`the cache answers as the model of one (seed ${run.seed})`, async () => {
  const { defect, sequences, evictions, pagesMoved } = await campaign({ ...run, planted: [] })
  expect(defect).toBeUndefined()
  expect(sequences).toBeGreaterThan(0)
  expect(evictions).toBeGreaterThan(0)
  expect(pagesMoved).toBeGreaterThan(0)
}, 300_000)

// The others are found too, not as soon: `pnpm model --planted`.
test.each(PLANTED_DEFECTS.filter(({ soon }) => soon))(
  'what is wrong is found: $name',
  async ({ changes }) => {
    const { defect } = await campaign({
      ...run,
      seed: 1,
      sequences: 2000,
      seconds: 100,
      planted: changes,
    })
    expect(defect?.message).toMatch(/^Error: /)
  },
  300_000,
)

test('no copies of the code are left of a run', async () => {
  const modules = join(REPOSITORY, 'packages', 'server', 'node_modules')
  const own = `.model-${process.pid}-`
  const copies = (): string[] => readdirSync(modules).filter((name) => name.startsWith(own))
  const before = copies()
  await campaign({ ...run, sequences: 25, planted: [] })
  expect(copies()).toEqual(before)
})
