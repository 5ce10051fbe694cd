// Applications of Next.js, built and served, two servers of each on one cache of ours. In CI and on request, because Next.js has
// to be installed for it: `pnpm next`.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NextProject, type NextServer } from './next-project.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { UNREACHABLE } from './supply-chain/npm-project.ts'

/** On an idle machine half a minute each. */
const INSTALL_DEADLINE_MS = 600_000
const BUILD_DEADLINE_MS = 600_000

const LAYOUT = `
  export default function Layout({ children }) {
    return <html><body>{children}</body></html>
  }`
const REVALIDATE = `
  import { revalidateTag } from 'next/cache'
  export async function GET(request) {
    const { searchParams } = new URL(request.url)
    revalidateTag('origin', searchParams.get('profile') ?? { expire: 0 })
    return new Response('done')
  }`
const CONFIG = `
  import { fileURLToPath } from 'node:url'
  const file = (name) => fileURLToPath(new URL(name, import.meta.url))`
const HANDLER = `
  import { cacheHandler } from '@memshard/client/next-cache-handler'
  export default cacheHandler({ nodes: [process.env.CACHE_NODE], timeout: 10_000 })`

/** Pages, routes and fetches, each with how often the origin was asked. */
const PAGES = {
  'app/layout.js': LAYOUT,
  'app/revalidate/route.js': REVALIDATE,
  'app/page/page.js': `
    export const revalidate = 3600
    export default async function Page() {
      const fetched = await fetch(process.env.ORIGIN, { next: { tags: ['origin'] } })
      return <p>{'count=' + (await fetched.text())}</p>
    }`,
  'app/route/route.js': `
    export const dynamic = 'force-static'
    export async function GET() {
      const fetched = await fetch(process.env.ORIGIN + '/route', { next: { tags: ['origin'] } })
      return new Response('count=' + (await fetched.text()))
    }`,
  'app/long/page.js': `
    export const revalidate = 3600
    export default async function Page() {
      const fetched = await fetch(process.env.ORIGIN + '/long', { next: { tags: ['origin'] } })
      return <p>{'count=' + (await fetched.text()) + 'x'.repeat(1_500_000)}</p>
    }`,
  'cache-handler.mjs': HANDLER,
  'next.config.mjs': `${CONFIG}
    export default { cacheHandler: file('./cache-handler.mjs'), cacheMaxMemorySize: 0 }`,
}

const USE_CACHE = {
  'app/layout.js': LAYOUT,
  'app/revalidate/route.js': REVALIDATE,
  'app/page/page.js': `
    import { cacheLife, cacheTag } from 'next/cache'
    import { connection } from 'next/server'
    import { Suspense } from 'react'
    async function count() {
      'use cache: remote'
      cacheTag('origin')
      cacheLife('hours')
      return await fetch(process.env.ORIGIN).then((answer) => answer.text())
    }
    async function Count() {
      await connection()
      return <p>{'count=' + (await count())}</p>
    }
    export default function Page() {
      return <Suspense fallback="..."><Count /></Suspense>
    }`,
  'cache-handler.mjs': HANDLER,
  'use-cache-handler.mjs': `
    import { useCacheHandler } from '@memshard/client/next-cache-handler'
    export default useCacheHandler({ nodes: [process.env.CACHE_NODE], timeout: 10_000 })`,
  'next.config.mjs': `${CONFIG}
    export default {
      cacheComponents: true,
      cacheHandler: file('./cache-handler.mjs'),
      cacheHandlers: { default: file('./use-cache-handler.mjs'), remote: file('./use-cache-handler.mjs') },
      cacheMaxMemorySize: 0,
    }`,
}

const { CI, NEXT_APPLICATIONS } = process.env

describe.runIf(CI !== undefined || NEXT_APPLICATIONS === 'true')('Next.js', () => {
  let node: RunningNode
  let origin: Server
  let project: NextProject | undefined
  let asked = 0

  beforeAll(async () => {
    node = await startNode()
    origin = createServer((_, response) => response.end(String(++asked))).listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const { port } = origin.address() as AddressInfo
    const env = { CACHE_NODE: node.address, ORIGIN: `http://127.0.0.1:${port}` }
    project = await NextProject.install(env).catch((error) => {
      if (UNREACHABLE.test(String(error))) return undefined
      throw error
    })
  }, INSTALL_DEADLINE_MS)

  afterAll(async () => {
    origin?.close()
    await project?.[Symbol.asyncDispose]()
    await node?.stop()
  })

  const countOf = async ({ url }: NextServer, path = '/page') => {
    const text = await (await fetch(url + path)).text()
    return Number(text.match(/count=(\d+)/)?.[1])
  }

  test.for([
    { of: 'pages, routes and fetches', files: PAGES, paths: ['/page', '/route', '/long'] },
    { of: "what is marked with 'use cache'", files: USE_CACHE, paths: ['/page'] },
  ])(
    '$of are shared by servers, revalidated for all, and made without the cache when it is gone',
    { timeout: 2 * BUILD_DEADLINE_MS },
    async ({ files, paths }, { skip }) => {
      if (project === undefined) return skip('no registry is reached that has Next.js')
      const application = paths.length === 1 ? 'use-cache' : 'pages'
      await project.build(application, files)
      await using one = await project.serve(application)
      await using other = await project.serve(application)
      const counts = new Map<string, number>()
      for (const path of paths) counts.set(path, await countOf(one, path))
      const expectShared = async () => {
        for (const [path, count] of counts) {
          expect(await countOf(other, path), path).toBe(count)
          expect(await countOf(one, path), path).toBe(count)
        }
      }
      await expectShared()

      // At once: whoever is asked next makes it anew.
      expect(await (await fetch(`${one.url}/revalidate`)).text()).toBe('done')
      for (const path of paths) {
        const count = await countOf(other, path)
        expect(count, path).toBeGreaterThan(counts.get(path)!)
        counts.set(path, count)
      }
      await expectShared()

      // Meanwhile served as it was, by the one and the other.
      await fetch(`${other.url}/revalidate?profile=max`)
      for (const path of paths.filter((path) => path !== '/route')) {
        expect(await countOf(one, path), path).toBe(counts.get(path))
        await expect.poll(() => countOf(one, path)).toBeGreaterThan(counts.get(path)!)
        counts.set(path, await countOf(one, path))
        await expect.poll(() => countOf(other, path)).toBe(counts.get(path))
      }

      await node.stop('SIGKILL')
      for (const server of [one, other]) {
        for (const path of paths) expect(await countOf(server, path)).toBeGreaterThan(0)
        expect(server.process.stderr()).toContain('of the cache is down')
      }
      node = await startNode({ port: node.port })
    },
  )
})
