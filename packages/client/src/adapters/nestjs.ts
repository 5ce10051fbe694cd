// A client as a NestJS module: injectable, and closed when the application shuts down. Knows NestJS's modules and lifecycle.
// Decorators are called as the functions that they are, because their syntax is not erasable.
import {
  ConfigurableModuleBuilder,
  Inject,
  type InjectionToken,
  Logger,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { Client } from '../client.ts'
import type { ClientOptions } from '../options.ts'

export type MemshardModuleOptions =
  | ({ readonly client?: undefined } & ClientOptions)
  | {
      /** One that is there already, and that the module doesn't close. */
      readonly client: Client
    }

export interface MemshardModuleExtras {
  /** Whether all modules of the application have it without importing it. Default false. */
  readonly isGlobal?: boolean
  /**
   * What the client is injected by: another for a second client in one application. Default: the class `Client`, so that a
   * parameter of that type is all it takes.
   */
  readonly token?: InjectionToken
}

/** Within the module, whatever the client is called outside. */
const CLIENT = Symbol('client of @memshard/client')
const OPTIONS = Symbol('options of @memshard/client')

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<MemshardModuleOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setExtras<MemshardModuleExtras>({}, (definition, { isGlobal = false, token = Client }) => ({
    ...definition,
    global: isGlobal,
    providers: [
      ...(definition.providers ?? []),
      { provide: CLIENT, useFactory: clientOf, inject: [OPTIONS] },
      { provide: token, useExisting: CLIENT },
    ],
    exports: [token],
  }))
  .build()

/**
 * `imports: [MemshardModule.forRoot({ nodes: ['cache-0', 'cache-1'] })]` makes a `Client` injectable; `forRootAsync` takes the options
 * from a factory. Nodes that go and come back are in the log. It is closed when the application has shut down.
 */
export class MemshardModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  readonly #client: Client
  readonly #isOwn: boolean

  constructor(client: Client, options: MemshardModuleOptions) {
    super()
    this.#client = client
    this.#isOwn = options.client === undefined
  }

  /** NestJS calls it when the server has closed, and all `onModuleDestroy` and `beforeApplicationShutdown` are over. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#isOwn) await this.#client.close()
  }
}

Module({})(MemshardModule)
Inject(CLIENT)(MemshardModule, undefined, 0)
Inject(OPTIONS)(MemshardModule, undefined, 1)

function clientOf(options: MemshardModuleOptions): Client {
  if (options.client !== undefined) return options.client
  const log = new Logger('Memshard')
  const client = new Client(options)
  client.on('eject', ({ name }, error) => log.warn(`node ${name} is down: ${error.message}`))
  client.on('return', ({ name }) => log.log(`node ${name} is back`))
  client.on('discoveryError', (error) => log.warn(`no nodes are found: ${error.message}`))
  return client
}
