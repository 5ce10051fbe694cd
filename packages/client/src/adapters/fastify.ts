// A cache as a Fastify plugin: `app.cache`, which lives as long as the server does. Knows Fastify's plugins and hooks.
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { Client } from '../client.ts'
import { ArgumentError } from '../errors.ts'
import type { ClientOptions } from '../options.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** By `@memshard/client/fastify`. */
    cache: Client
  }
}

export type CachePluginOptions = {
  /** What it is called on the server. Default `cache`. */
  readonly decorator?: string
} & (
  | ({ readonly client?: undefined } & ClientOptions)
  | {
      /** One that is there already, and that the plugin doesn't close. */
      readonly client: Client
    }
)

const DISCOVERY_TOLD = 'the cache finds no nodes'

const register: FastifyPluginAsync<CachePluginOptions> = async (
  app: FastifyInstance,
  options: CachePluginOptions,
) => {
  const { decorator = 'cache' } = options
  if (app.hasDecorator(decorator)) {
    throw new ArgumentError(`the server has a ${decorator} already: give another decorator`)
  }
  const client = options.client ?? new Client(options)
  app.decorate(decorator, client)
  if (options.client !== undefined) return
  client.on('eject', (node, error) => {
    app.log.warn({ node: node.name, err: error }, 'a node of the cache is down')
  })
  client.on('return', (node) => app.log.info({ node: node.name }, 'a node of the cache is back'))
  client.on('discoveryError', (error) => app.log.warn({ err: error }, DISCOVERY_TOLD))
  // Fastify runs these last: what other plugins do when they close may still use it.
  app.addHook('onClose', () => client.close())
}

/**
 * `app.register(cache, { nodes: ['cache-0', 'cache-1'] })` makes `app.cache` a client that is closed with the server, and whose
 * ejected nodes are in its log.
 */
export const cache: FastifyPluginAsync<CachePluginOptions> = Object.assign(register, {
  // What fastify-plugin sets: the decorator is for the whole server, not for the plugin's own context.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@memshard/client',
  [Symbol.for('plugin-meta')]: { name: '@memshard/client', fastify: '>=4' },
})
