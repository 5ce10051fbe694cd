// The chart and the manifests in deploy/: helm itself lints and renders them, what it renders is valid by the schemas and
// the types of Kubernetes' interface (no field that it doesn't know), and a server started with exactly the rendered
// arguments answers where the probes ask. No cluster runs here.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { askHttp } from './admin-node.ts'
import { createAuthority } from './certificates.ts'
import { freePort } from './nodes.ts'
import { HELM, missing } from './peers.ts'
import { served, start } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { statistics } from './wire.ts'

const CHART = join(REPOSITORY, 'deploy/helm/memshard')
const PLAIN = join(REPOSITORY, 'deploy/kubernetes/memshard.yaml')

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: a different shape for each kind, which the schemas know
  readonly spec?: any
}

/** Where the models of what we use lie, by kind; ServiceMonitor is the operator's own. */
const GROUPS: Readonly<Record<string, string>> = {
  StatefulSet: 'apps/v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
}

function manifestsOf(text: string): readonly Manifest[] {
  const documents = parseAllDocuments(text)
  for (const document of documents) expect(document.errors).toEqual([])
  return documents.map((document) => document.toJS()).filter((manifest) => manifest !== null)
}

async function problemsOf(manifest: Manifest): Promise<string | undefined> {
  const group = GROUPS[manifest.kind]
  if (group === undefined) return `no schema of ${manifest.kind}`
  if (!group.endsWith(manifest.apiVersion)) return `${manifest.apiVersion} is not ${group}`
  const models = await import(/* @vite-ignore */ `kubernetes-models/${group}/${manifest.kind}`)
  try {
    new models[manifest.kind](manifest).validate()
    return undefined
  } catch (error) {
    return `${manifest.kind}: ${error instanceof Error ? error.message : error}`
  }
}

/** What the compiler says of the manifests as literals of the types: it knows which fields there are. */
async function unknownFields(manifests: readonly Manifest[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'memshard-types-'))
  try {
    await symlink(join(REPOSITORY, 'test/node_modules'), join(directory, 'node_modules'))
    const lines = manifests.map((manifest, i) => {
      const { kind } = manifest
      const type = `import('kubernetes-models/${GROUPS[kind]}/${kind}').I${kind}`
      return `export const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 1)}`
    })
    await writeFile(join(directory, 'manifests.ts'), lines.join('\n'))
    const compiler = join(REPOSITORY, 'node_modules/.bin/tsc')
    const options = '--noEmit --strict --skipLibCheck --module nodenext --target esnext --types'
    const { stdout } = spawnSync(compiler, [...options.split(' '), '', 'manifests.ts'], {
      cwd: directory,
      encoding: 'utf8',
    })
    return stdout
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function only(manifests: readonly Manifest[], kind: string): Manifest {
  const those = manifests.filter((manifest) => manifest.kind === kind)
  expect(those).toHaveLength(1)
  return those[0]!
}

function container(manifests: readonly Manifest[]): Record<string, never> {
  return only(manifests, 'StatefulSet').spec.template.spec.containers[0]
}

describe('deploy/kubernetes/memshard.yaml', () => {
  let manifests: readonly Manifest[] = []
  beforeAll(async () => {
    manifests = manifestsOf(await readFile(PLAIN, 'utf8'))
  })

  test('is valid by the schemas', async () => {
    const kinds = manifests.map(({ kind }) => kind).sort()
    expect(kinds).toEqual(Object.keys(GROUPS).sort())
    for (const manifest of manifests) expect(await problemsOf(manifest)).toBeUndefined()
    const set = structuredClone(only(manifests, 'StatefulSet'))
    set.spec.replicas = 'three'
    expect(await problemsOf(set)).toMatch(/replicas must be integer/)
  })

  test('has no field that Kubernetes does not know', { timeout: 60_000 }, async () => {
    expect(await unknownFields(manifests)).toBe('')
    const set = structuredClone(only(manifests, 'StatefulSet'))
    set.spec.serviceNme = 'typo'
    expect(await unknownFields([set])).toMatch(/serviceNme/)
  })

  test('what belongs together has the same labels and names', () => {
    const set = only(manifests, 'StatefulSet')
    const service = only(manifests, 'Service')
    const labels = set.spec.template.metadata.labels
    expect(set.spec.serviceName).toBe(service.metadata.name)
    expect(service.spec.clusterIP).toBe('None')
    for (const selector of [
      set.spec.selector.matchLabels,
      service.spec.selector,
      only(manifests, 'PodDisruptionBudget').spec.selector.matchLabels,
      only(manifests, 'NetworkPolicy').spec.podSelector.matchLabels,
    ]) {
      expect(labels).toMatchObject(selector)
    }
    const account = only(manifests, 'ServiceAccount').metadata.name
    expect(set.spec.template.spec.serviceAccountName).toBe(account)
  })

  test("a pod may do no more than the image's user needs", () => {
    const { template } = only(manifests, 'StatefulSet').spec
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 11211,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(template.spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(template.spec.automountServiceAccountToken).toBe(false)
  })

  test('a server with its arguments answers where the probes ask', async () => {
    const { args, livenessProbe, readinessProbe, resources } = container(manifests) as unknown as {
      readonly args: readonly string[]
      readonly livenessProbe: { readonly httpGet: { readonly path: string } }
      readonly readinessProbe: { readonly httpGet: { readonly path: string } }
      readonly resources: { readonly limits: { readonly memory: string } }
    }
    const [port, admin] = await Promise.all([freePort(), freePort()])
    const here = args.map((one) =>
      one.replace('--port=11211', `--port=${port}`).replace('*:9150', `127.0.0.1:${admin}`),
    )
    expect(here.join(' ')).not.toMatch(/11211|9150/)
    await using server = start([...here, '-l', '127.0.0.1'])
    const wire = await served({ host: '127.0.0.1', port }, server)
    wire.destroy()
    for (const { httpGet } of [livenessProbe, readinessProbe]) {
      await expect
        .poll(() => askHttp(admin, httpGet.path).then(({ status }) => status, String))
        .toBe(200)
    }
    expect(server.stdout()).toBe('')
    // By packages/server/README.md, which test/memory.test.ts holds the server to.
    const settings = await statistics({ host: '127.0.0.1', port }, 'settings')
    const most =
      Number(settings.get('maxbytes')) / 2 ** 20 + 72 + 16 * Number(settings.get('num_threads'))
    expect(Number.parseInt(resources.limits.memory, 10)).toBeGreaterThanOrEqual(most)
    server.process.kill('SIGUSR1')
    expect(await server.exited).toBe(0)
  })
})

describe.skipIf(missing('helm') !== undefined)('deploy/helm/memshard', () => {
  let home = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'memshard-helm-'))
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  function helm(...argv: string[]): { status: number | null; said: string } {
    const env = { ...process.env, HOME: home, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home }
    const { status, stdout, stderr } = spawnSync(HELM, argv, { env, encoding: 'utf8' })
    return { status, said: status === 0 ? stdout : stdout + stderr }
  }
  function render(...values: string[]): readonly Manifest[] {
    const sets = values.flatMap((value) => ['--set-json', value])
    const { status, said } = helm('template', 'memshard', CHART, '--namespace', 'default', ...sets)
    expect(said).not.toMatch(/^Error/m)
    expect(status).toBe(0)
    return manifestsOf(said)
  }

  test('helm finds nothing wrong with it', () => {
    const { status, said } = helm('lint', '--strict', CHART)
    expect(said).toContain('0 chart(s) failed')
    expect(said).not.toMatch(/WARNING|ERROR/)
    expect(status).toBe(0)
  })

  test('renders the plain manifests by default', async () => {
    expect(render()).toEqual(manifestsOf(await readFile(PLAIN, 'utf8')))
  })

  const EVERYTHING = [
    'replicas=5',
    'image={"repository":"registry.example/cache","tag":"1","pullSecrets":["pull"]}',
    'cache={"memoryMegabytes":2048,"threads":4,"extraArgs":["-v","-o","idle_timeout=60"]}',
    'warmRestart.enabled=true',
    'admin.tokenSecret="token"',
    'metrics.serviceMonitor={"enabled":true,"labels":{"release":"prometheus"}}',
    'tls={"secretName":"certificate","verifyClients":true}',
    'auth.secretName="users"',
    'register.url="etcd://etcd.default.svc:2379/memshard"',
    'podAntiAffinity="hard"',
    'nodeSelector={"disk":"none"}',
    'tolerations=[{"key":"cache","operator":"Exists","effect":"NoSchedule"}]',
    'priorityClassName="cache"',
    'networkPolicy.clients=[{"namespaceSelector":{"matchLabels":{"team":"web"}}}]',
    'podAnnotations={"a":"b"}',
    'podLabels={"c":"d"}',
  ]

  test('is valid with everything switched on', { timeout: 60_000 }, async () => {
    const manifests = render(...EVERYTHING)
    const monitor = only(manifests, 'ServiceMonitor')
    const ours = manifests.filter((manifest) => manifest !== monitor)
    for (const manifest of ours) expect(await problemsOf(manifest)).toBeUndefined()
    expect(await unknownFields(ours)).toBe('')
    const service = only(manifests, 'Service')
    expect(monitor.apiVersion).toBe('monitoring.coreos.com/v1')
    expect(monitor.spec.endpoints[0].port).toBe(service.spec.ports[1].name)
  })

  test('every volume is mounted, and every file is under a mount', () => {
    const manifests = render(...EVERYTHING)
    const { volumes, containers } = only(manifests, 'StatefulSet').spec.template.spec
    const [{ args, volumeMounts }] = containers
    const names = (list: readonly { name: string }[]): string[] =>
      list.map(({ name }) => name).sort()
    expect(names(volumeMounts)).toEqual(names(volumes))
    const files: string[] = args.flatMap((one: string) => one.match(/(?<==)\/[\w/.]+/g) ?? [])
    expect(files).toHaveLength(6)
    for (const file of files) {
      const mounts = volumeMounts.filter(({ mountPath }: { mountPath: string }) =>
        file.startsWith(`${mountPath}/`),
      )
      expect(mounts).toHaveLength(1)
    }
  })

  test('a server with all of its arguments serves: TLS, login, token, warm restart', async () => {
    const values = EVERYTHING.filter((value) => !/^(?:register|cache)/.test(value))
    const manifests = render('cache.memoryMegabytes=16', ...values)
    const { args } = container(manifests) as unknown as { readonly args: readonly string[] }
    const [port, admin] = await Promise.all([freePort(), freePort()])
    using authority = createAuthority()
    const { cert, key } = authority.issue('DNS:localhost,IP:127.0.0.1')
    const files = {
      'tls/tls.crt': cert,
      'tls/tls.key': key,
      'tls/ca.crt': authority.ca,
      'auth/users': 'ada:lovelace\n',
      'admin/token': 'correct-horse-battery\n',
    }
    const etc = await mkdtemp(join(home, 'etc-'))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(etc, name)), { recursive: true })
      await writeFile(join(etc, name), content, { mode: 0o400 })
    }
    const here = args.map((one) =>
      one
        .replace('--port=11211', `--port=${port}`)
        .replace('*:9150', `127.0.0.1:${admin}`)
        .replaceAll('/etc/memshard', etc)
        .replace('/var/cache/memshard', etc),
    )
    await using server = start([...here, '-l', '127.0.0.1'])
    const ready = (): Promise<number | string> =>
      askHttp(admin, '/readyz').then(({ status }) => status, String)
    await expect.poll(ready, { timeout: 20_000 }).toBe(200)
    // Nothing to warn of: not of who may come, nor of who can read the files.
    expect(server.stdout() + server.stderr()).toBe('')
    await using cache = new Client({
      nodes: [{ host: '127.0.0.1', port }],
      tls: { ca: authority.ca, cert, key },
      auth: { username: 'ada', password: 'lovelace' },
      timeout: 20_000,
      connectTimeout: 20_000,
    })
    expect(await cache.set('a', 1)).toBe(true)
    expect(await cache.get('a')).toBe(1)
  })

  test('the name that clients look up is the one that the documents tell', async () => {
    const { metadata, spec } = only(render(), 'Service')
    const [{ name }] = spec.ports
    const record = `_${name}._tcp.${metadata.name}.default.svc.cluster.local`
    const operations = await readFile(join(REPOSITORY, 'docs/OPERATIONS.md'), 'utf8')
    expect(operations).toContain(`srvDiscovery('${record}')`)
  })

  test.each([
    ['cache.memory=5', /memory/],
    ['replicas=0', /replicas/],
    ['cache.threads="four"', /threads/],
    ['podAntiAffinity="maybe"', /podAntiAffinity/],
    ['register.url="http://etcd"', /url/],
  ])('%s is refused', (value, where) => {
    const { status, said } = helm('template', 'memshard', CHART, '--set-json', value)
    expect(status).not.toBe(0)
    expect(said).toMatch(where)
  })

  test('its version is that of the server', async () => {
    const chart = await readFile(join(CHART, 'Chart.yaml'), 'utf8')
    const load = createRequire(import.meta.url)
    const { version } = load(join(REPOSITORY, 'packages/server/package.json'))
    expect(chart).toContain(`\nappVersion: ${version}\n`)
  })
})
