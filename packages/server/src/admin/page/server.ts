// Asks the server that the page is from. Knows its paths, and keeps the token for as long as the page is open.
import type { FormationState, KeyState, NodeState } from '../page-data.ts'

const DEADLINE_MS = 5_000

/** The server has refused, and this is why. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

let token = ''

export function useToken(given: string): void {
  token = given
}

export const nodeState = (since: number): Promise<NodeState> =>
  ask<NodeState>(`api/state?since=${since}`)

export const keyState = (): Promise<KeyState> => ask<KeyState>('api/keys')

export const formationState = (): Promise<FormationState> => ask<FormationState>('api/formation')

/** Resolves when nothing is left under it. */
export async function invalidate(prefix: string): Promise<void> {
  await ask('invalidate', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prefix }),
  })
}

async function ask<Told>(path: string, request: RequestInit = {}): Promise<Told> {
  const headers = new Headers(request.headers)
  if (token !== '') headers.set('authorization', `Bearer ${token}`)
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const response = await fetch(path, { ...request, headers, signal, cache: 'no-store' })
  if (!response.ok) throw new Refusal(response.status, (await response.text()).trim())
  return (await response.json()) as Told
}
