// The bill of materials of a package of ours, as CycloneDX has it: all that comes along, with checksums, licences and who
// asks for whom. Nothing in it depends on when and where it is made.
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import spdxSatisfies from 'spdx-satisfies'
import { licenceOf, type Manifest } from './manifests.ts'
import { type Dependency, shippedDependencies } from './runtime-dependencies.ts'

export const CYCLONEDX_VERSION = Spec.Version.v1dot6

const { ComponentBuilder } = Contrib.FromNodePackageJson.Builders
const { ExternalReferenceFactory } = Contrib.FromNodePackageJson.Factories
const { LicenseFactory } = Contrib.License.Factories

const BUILDER = new ComponentBuilder(
  new ExternalReferenceFactory(),
  // Throws at what is no expression of SPDX.
  new LicenseFactory((expression) => void spdxSatisfies(expression, ['MIT'])),
)

/** Of a published package, given its directory in the repository; as JSON. */
export function billOfMaterials(member: string, self: Manifest): string {
  const components = new Map<string, Models.Component>()
  const dependencies = shippedDependencies(member)
  for (const [id, dependency] of dependencies) components.set(id, componentOf(dependency))
  for (const [id, { asksFor }] of dependencies) {
    for (const asked of asksFor) {
      components.get(id)!.dependencies.add(components.get(asked)!.bomRef)
    }
  }
  const component = components.get(`${self.name}@${self.version}`)!
  components.delete(`${self.name}@${self.version}`)
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component }),
    components: new Models.ComponentRepository(components.values()),
  })
  const normalizers = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  const serializer = new Serialize.JsonSerializer(normalizers)
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`
}

function componentOf({ name, version, integrity, manifest }: Dependency): Models.Component {
  const license = manifest && licenceOf(manifest)
  const component = BUILDER.makeComponent({ ...manifest, name, version, license, licenses: [] })!
  component.bomRef.value = `${name}@${version}`
  component.purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  if (integrity !== undefined) {
    const digest = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
    component.hashes.set(Enums.HashAlgorithm['SHA-512'], digest)
  }
  // Of several that are for one platform each, one is installed.
  component.scope = manifest ? Enums.ComponentScope.Required : Enums.ComponentScope.Optional
  return component
}
