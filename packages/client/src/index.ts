// The public surface of @memshard/client, and nothing else.
export type { Ttl } from './arguments.ts'
export { Client } from './client.ts'
export type { Codec, Encoded, RawValue } from './codec/codec.ts'
export type { Compression, CompressionAlgorithm, CompressionOptions } from './codec/compression.ts'
export type { StringOptions } from './codec/interop/conventions.ts'
export { type DalliOptions, dalliCodec } from './codec/interop/dalli.ts'
export { memcacheClientCodec, memcachedCodec, memjsCodec } from './codec/interop/node-clients.ts'
export { phpMemcachedCodec } from './codec/interop/php.ts'
export { pylibmcCodec, pymemcacheCodec } from './codec/interop/python.ts'
export { type MessagePack, msgpackCodec, v8Codec } from './codec/serializers.ts'
export { bytesCodec, type Value, valueCodec } from './codec/value-codec.ts'
export { type ClusterDiscoveryOptions, clusterDiscovery } from './discovery/cluster.ts'
export type { Discovery, DiscoveryContext } from './discovery/discovery.ts'
export {
  type DnsDiscoveryOptions,
  type DnsOptions,
  dnsDiscovery,
  type SrvDiscoveryOptions,
  srvDiscovery,
} from './discovery/dns.ts'
export {
  type EnvironmentOptions,
  type FromEnvironment,
  fromEnvironment,
} from './discovery/environment.ts'
export { type EtcdDiscoveryOptions, etcdDiscovery } from './discovery/etcd.ts'
export type { EtcdOptions } from './discovery/etcd-gateway.ts'
export {
  type Registration,
  type RegistrationOptions,
  register,
} from './discovery/etcd-registration.ts'
export { type FileDiscoveryOptions, fileDiscovery } from './discovery/file.ts'
export * from './errors.ts'
export type { FetchOptions, LoadContext, Loader } from './fetch/fetch-options.ts'
export type { ListedItem, ListingOptions } from './listing/key-listing.ts'
export { type Lock, type LockOptions, lock } from './lock.ts'
export {
  type MemoizeDecorator,
  type Memoized,
  type MemoizeOptions,
  memoize,
} from './memoize/memoize.ts'
export type { NodeOptions, NodeSpec } from './node/address.ts'
export type { Counts, OperationCounts } from './node/counters.ts'
export type { Latency } from './node/latency.ts'
export type { Credentials } from './node/login.ts'
export type { NodeState } from './node/node.ts'
export type { TlsOptions } from './node/tls.ts'
export type {
  AppendOptions,
  CallOptions,
  CasOptions,
  CasResult,
  CasToken,
  ClientEvents,
  ClientOptions,
  CounterOptions,
  DeleteOptions,
  Entry,
  EntryOptions,
  InvalidateOptions,
  ItemEntry,
  MetaOptions,
  NodeInfo,
  NodeMetrics,
  NodesChange,
  OnNodeDown,
  SetOptions,
  WriteOptions,
} from './options.ts'
export type { LibmemcachedDistribution, LibmemcachedHash } from './ring/libmemcached.ts'
export type { PhpMemcachedOptions, PylibmcBehaviors } from './ring/libmemcached-bindings.ts'
export type { Compat, DistributionName, PlacementOptions } from './ring/placement.ts'
export type { TwemproxyHash, TwemproxyPool } from './ring/twemproxy.ts'
export { type TagStamp, Tags, type TagsOptions } from './tags.ts'
export type { CommandMessage } from './tracing.ts'
export type { Key, KeyAsSent, KeyOptions } from './wire/key-form.ts'
export type { MetaAnswer, MetaCommand, MetaFlag } from './wire/meta-operations.ts'
