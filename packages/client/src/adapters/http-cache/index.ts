// The public surface of @memshard/client/http-cache, and nothing else. Adapters are entry points of their own.
export type { Headers, HeaderValue } from './cache-control.ts'
export { HttpCache } from './http-cache.ts'
export type { HttpCacheOptions } from './options.ts'
export type { CacheableRequest } from './request.ts'
