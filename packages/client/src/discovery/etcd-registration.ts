// Registers a node in etcd under a lease, so that it is in the pool of every client that discovers nodes
// there for as long as the process that registered it lives. Knows nothing of the node itself.
import { positiveInteger } from '../arguments.ts'
import { DiscoveryError } from '../errors.ts'
import { type NodeOptions, parseNode } from '../node/address.ts'
import { DEFAULT_PREFIX } from './etcd.ts'
import { EtcdGateway, type EtcdOptions, reasonOf } from './etcd-gateway.ts'

export interface RegistrationOptions extends EtcdOptions {
  /** Where clients reach the node. Its `name`, or else its address, is the key behind the prefix. */
  readonly node: NodeOptions
  /** Default `/memshard/nodes/`. */
  readonly prefix?: string
  /** Whole seconds from the death of this process to the node's leaving the pools. Default 10. */
  readonly ttl?: number
  /** Told each time that etcd can't be reached or has lost the lease; it is tried again all the same. */
  readonly onError?: (error: DiscoveryError) => void
}

export interface Registration extends AsyncDisposable {
  /** Takes the node out again. Doesn't fail: without etcd the lease ends by itself. */
  close(): Promise<void>
}

const DEFAULT_TTL_SECONDS = 10
/** How often a lease is renewed while it lasts: two renewals may fail. */
const RENEWALS = 3

/**
 * Resolves when the node is registered. The lease is kept alive, and made anew when etcd has lost it, until
 * `close`. Keeps no process alive.
 * @throws DiscoveryError when etcd can't be reached the first time. @throws ArgumentError
 */
export async function register(options: RegistrationOptions): Promise<Registration> {
  const { node, prefix = DEFAULT_PREFIX, onError } = options
  const ttl = positiveInteger('ttl', options.ttl ?? DEFAULT_TTL_SECONDS)
  const { name } = parseNode(node)
  const etcd = new EtcdGateway(options)
  const value = JSON.stringify({ ...node, tls: undefined })
  let lease: string | undefined
  let timer: NodeJS.Timeout | undefined
  let renewal: Promise<void> | undefined
  let closed = false

  const renew = async (): Promise<void> => {
    if (lease !== undefined && (await etcd.keepLeaseAlive(lease))) return
    lease = undefined
    const granted = await etcd.grantLease(ttl)
    await etcd.put(prefix + name, value, granted)
    lease = granted
  }
  const failed = (cause: unknown): DiscoveryError =>
    new DiscoveryError(`${name} is not registered in etcd: ${reasonOf(cause)}`, {
      node: name,
      cause,
    })
  const renewLater = (): void => {
    const delay = ((ttl * 1000) / RENEWALS) * (0.8 + 0.2 * Math.random())
    timer = setTimeout(() => {
      renewal = renew()
        .catch((cause) => onError?.(failed(cause)))
        .finally(() => {
          if (!closed) renewLater()
        })
    }, delay).unref()
  }

  await renew().catch((cause) => {
    throw failed(cause)
  })
  renewLater()

  const close = async (): Promise<void> => {
    closed = true
    clearTimeout(timer)
    await renewal
    if (lease !== undefined) await etcd.revokeLease(lease).catch(() => {})
    lease = undefined
  }
  return { close, [Symbol.asyncDispose]: close }
}
