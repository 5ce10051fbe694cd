// The public surface of @memshard/client, and nothing else.
export type { Ttl } from './arguments.ts'
export {
  type CallOptions,
  type CasResult,
  type CasToken,
  Client,
  type ClientEvents,
  type ClientOptions,
  type CounterOptions,
  type Entry,
  type NodeInfo,
  type WriteOptions,
} from './client.ts'
export type { Codec, Encoded, RawValue } from './codec/codec.ts'
export { bytesCodec, type Value, valueCodec } from './codec/value-codec.ts'
export * from './errors.ts'
export type { NodeOptions, NodeSpec } from './node/address.ts'
export type { NodeState } from './node/node.ts'
export type { OnNodeDown } from './pool.ts'
