// What can be fuzzed, by name. Knows no more of it.
import type { LoadTarget } from './target.ts'
import { answers } from './targets/answers.ts'
import { datagrams } from './targets/datagrams.ts'
import { proxiedRequests } from './targets/proxied-requests.ts'
import { requests } from './targets/requests.ts'

export const TARGETS: Readonly<Record<string, LoadTarget>> = {
  classic: requests('classic'),
  meta: requests('meta'),
  binary: requests('binary'),
  datagrams,
  proxy: proxiedRequests('text'),
  'binary-proxy': proxiedRequests('binary'),
  answers: answers('meta'),
  'binary-answers': answers('binary'),
}
