// The response cache as a plugin of Fastify. Knows its hooks and replies.
import type { FastifyPluginAsync } from 'fastify'
import { Exchange } from './exchange.ts'
import type { HttpCache } from './http-cache.ts'
import { hideConditions, requestOf, watch } from './node-response.ts'
import { begin } from './refreshing.ts'

export interface FastifyCacheOptions {
  readonly cache: HttpCache
}

const register: FastifyPluginAsync<FastifyCacheOptions> = async (app, { cache }) => {
  app.addHook('onRequest', async (request, reply) => {
    const { raw } = request
    const asked = requestOf(raw, request.protocol, request.originalUrl)
    const begun = await begin(cache, asked, async () => {
      // Awaited in here: it begins when it is waited for.
      await app.inject({
        method: 'GET',
        url: asked.url,
        headers: { ...raw.headers },
        remoteAddress: raw.socket.remoteAddress ?? '127.0.0.1',
      })
    })
    if (!(begun instanceof Exchange)) {
      const { status, headers, body } = begun
      return reply.code(status).headers(headers).send(body)
    }
    hideConditions(raw, begun)
    cache.track(reply, begun)
    watch(reply.raw, begun)
  })
}

/** `app.register(fastifyCache, { cache: pages })`, for all routes of the server that are registered after it. */
export const fastifyCache: FastifyPluginAsync<FastifyCacheOptions> = Object.assign(register, {
  // What fastify-plugin sets: the hook is for the whole server, not for the plugin's own context.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@memshard/client/http-cache',
  [Symbol.for('plugin-meta')]: { name: '@memshard/client/http-cache', fastify: '>=4' },
})
