// How an application is asked again behind an old response that is sent: whoever takes the request that comes of it knows by this that it
// is that one. Knows no framework.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Exchange, Reply } from './exchange.ts'
import type { HttpCache } from './http-cache.ts'
import type { CacheableRequest } from './request.ts'

const refreshing = new AsyncLocalStorage<{ request: CacheableRequest; isTaken: boolean }>()

/** `askAgain` lets the application answer the same request once more. */
export function begin(
  cache: HttpCache,
  request: CacheableRequest,
  askAgain: (() => Promise<void>) | undefined,
): Promise<Reply | Exchange> {
  const again = refreshing.getStore()
  if (again !== undefined && !again.isTaken) {
    // The application may ask itself for other things meanwhile.
    again.isTaken = true
    // As it came at first: a proxy that told its scheme isn't there this time.
    return cache.beginAnew(again.request)
  }
  const refresh = askAgain && (() => refreshing.run({ request, isTaken: false }, askAgain))
  return cache.begin(request, refresh)
}
