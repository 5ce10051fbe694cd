// Whoever has to know what he runs gets a bill of materials of each package: `pnpm sbom`.
import { Validation } from '@cyclonedx/cyclonedx-library'
import { describe, expect, test } from 'vitest'
import { billOfMaterials, CYCLONEDX_VERSION } from './supply-chain/bill-of-materials.ts'
import { readLockfile } from './supply-chain/lockfile.ts'
import { manifestOf, PUBLISHED } from './supply-chain/manifests.ts'
import { runtimeDependencies } from './supply-chain/runtime-dependencies.ts'

interface Component {
  readonly 'bom-ref': string
  readonly purl: string
  readonly licenses?: readonly unknown[]
  readonly scope: string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
}

interface Bill {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

const validator = new Validation.JsonStrictValidator(CYCLONEDX_VERSION)

describe.each(PUBLISHED)('the bill of %s', (member) => {
  const manifest = manifestOf(member)
  const text = billOfMaterials(member, manifest)
  const bill: Bill = JSON.parse(text)

  test('is what CycloneDX’s schema asks for', async () => {
    expect(await validator.validate(text)).toBeNull()
    const wrong = JSON.stringify({ ...bill, components: [{ name: 'of no type' }] })
    expect(await validator.validate(wrong)).not.toBeNull()
  })

  test('names the package and all that npm installs with it', () => {
    const self = `${manifest.name}@${manifest.version}`
    expect(bill.metadata.component['bom-ref']).toBe(self)
    const named = [self, ...bill.components.map((component) => component['bom-ref'])]
    expect(named).toEqual(expect.arrayContaining([...runtimeDependencies(member).keys()]))
    expect(new Set(named).size).toBe(named.length)
  })

  test('has the lockfile’s checksum of each, and the licence of what is installed', () => {
    const { packages } = readLockfile()
    for (const component of bill.components) {
      const id = component['bom-ref']
      if (id.startsWith('@memshard/')) continue
      const [hash] = component.hashes!
      expect(hash!.alg).toBe('SHA-512')
      const digest = Buffer.from(hash!.content, 'hex').toString('base64')
      expect(`sha512-${digest}`, id).toBe(packages[id]!.resolution.integrity)
      if (component.scope === 'required') expect(component.licenses, id).toHaveLength(1)
    }
  })

  test('says who asks for whom, so that everything in it is there for a reason', () => {
    const asked = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]))
    const reached = new Set<string>()
    const reach = (ref: string): void => {
      if (reached.has(ref)) return
      reached.add(ref)
      for (const next of asked.get(ref)!) reach(next)
    }
    reach(bill.metadata.component['bom-ref'])
    expect(reached.size).toBe(bill.components.length + 1)
  })

  test('is the same whenever it is made', () => {
    expect(billOfMaterials(member, manifest)).toBe(text)
    expect(text).not.toMatch(/"(timestamp|serialNumber)"/)
  })
})

test('the server’s has what the admin page’s script was made of', () => {
  const bill: Bill = JSON.parse(billOfMaterials('packages/server', manifestOf('packages/server')))
  const purls = bill.components.map(({ purl }) => purl)
  expect(purls.some((purl) => purl.startsWith('pkg:npm/%40observablehq/plot@'))).toBe(true)
})
