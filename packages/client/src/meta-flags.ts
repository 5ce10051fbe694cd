// The letters of the meta protocol that stand for what callers ask for in words. Knows options, no call.
import { expiry, unsigned64 } from './arguments.ts'
import { ArgumentError } from './errors.ts'
import type {
  AppendOptions,
  CasOptions,
  CasToken,
  DeleteOptions,
  EntryOptions,
  InvalidateOptions,
} from './options.ts'

/** Bytes that a command has room for. */
const FLAGS_MAX_BYTES = 100

export function entryFlags({ ttl, bump, vivify, recache }: EntryOptions): string {
  const flags: string[] = []
  if (ttl !== undefined) flags.push(`T${expiry(ttl)}`)
  if (vivify !== undefined) flags.push(`N${expiry(vivify)}`)
  if (recache !== undefined) flags.push(`R${recacheSeconds(recache)}`)
  if (bump === false) flags.push('u')
  return flags.join(' ')
}

export function casFlags({ staleIfOlder }: CasOptions): string {
  return staleIfOlder === true ? 'I' : ''
}

/** To be put behind other flags. */
export function newCasFlag(others: string, newCas: CasToken): string {
  return `${others === '' ? '' : ' '}E${unsigned64('newCas', newCas)}`
}

export function deleteFlags({ cas }: DeleteOptions): string {
  return cas === undefined ? '' : `C${unsigned64('cas', cas)}`
}

/** `staleFor` as `I` takes it: the time that is left to the stale value. */
export function invalidateFlags({ staleFor, cas }: InvalidateOptions): string {
  const flags = ['I']
  if (staleFor !== undefined) flags.push(`T${expiry(staleFor)}`)
  if (cas !== undefined) flags.push(`C${unsigned64('cas', cas)}`)
  return flags.join(' ')
}

export function appendFlags({ vivify }: AppendOptions): string {
  return vivify === undefined ? '' : `N${expiry(vivify)}`
}

/** Flags in the user's own letters. `q` is refused, because the call would wait for an answer for ever. */
export function verbatimFlags(flags: readonly string[]): string {
  for (const flag of flags) {
    if (!/^[A-Za-z][!-~]*$/.test(flag)) {
      throw new ArgumentError(
        `${JSON.stringify(flag)} is no meta flag: give a letter and its token`,
      )
    }
    if (flag[0] === 'q') {
      throw new ArgumentError('the meta flag q suppresses answers, and this call needs its own')
    }
  }
  const text = flags.join(' ')
  if (text.length > FLAGS_MAX_BYTES) {
    throw new ArgumentError(`the meta flags are longer than ${FLAGS_MAX_BYTES} bytes: give fewer`)
  }
  return text
}

function recacheSeconds(seconds: number): number {
  if (Number.isFinite(seconds) && seconds >= 0) return expiry(seconds)
  throw new ArgumentError(`recache is ${String(seconds)}: give seconds from 0 on`)
}
