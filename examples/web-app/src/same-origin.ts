// Who may ask for something: browsers on this machine that show a page of ours. The application has no login, so nobody else's
// page may press its buttons, and no name of somebody else's may lead to it. Knows headers alone.
import type { IncomingHttpHeaders } from 'node:http'

const OWN_NAMES = ['127.0.0.1', 'localhost']

/** Otherwise a name of another's that resolves to this machine would make his page one of ours ("DNS rebinding"). */
export function isOwnHost({ host }: IncomingHttpHeaders, port: number): boolean {
  return OWN_NAMES.some((name) => host === `${name}:${port}`)
}

/** Of what changes something. Browsers say where it comes from; who doesn't is refused. */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers
  if (origin !== undefined) return origin === `http://${host}`
  return headers['sec-fetch-site'] === 'same-origin'
}
