// POST /invalidate: everything under a prefix of keys is gone from now on. Knows what a prefix may be and how the
// command is written; who may give it is asked elsewhere.
import type { IncomingMessage } from 'node:http'
import { type Answer, bodyFields, json, RequestError } from './http-exchange.ts'
import type { InProcessClient } from './in-process-client.ts'

const MAX_PREFIX_BYTES = 250

/** @throws RequestError when there is no such prefix, or the server refuses. */
export async function invalidate(
  client: Pick<InProcessClient, 'ask'>,
  request: IncomingMessage,
): Promise<{ readonly prefix: string; readonly answer: Answer }> {
  const prefix = (await bodyFields(request)).get('prefix')
  if (prefix === undefined) throw new RequestError(400, 'the body has no field "prefix"')
  const bytes = prefixBytes(prefix)
  const said = client.ask(`invalidate_prefix ${bytes}`).trimEnd()
  if (said === 'ERROR') throw new RequestError(501, 'this server has no command invalidate_prefix')
  if (/^CLIENT_ERROR /.test(said)) throw new RequestError(400, said.replace('CLIENT_ERROR ', ''))
  if (/^SERVER_ERROR /.test(said)) throw new RequestError(503, said.replace('SERVER_ERROR ', ''))
  return { prefix, answer: json(200, { prefix, answer: said }) }
}

/** As a command line has it. Keys are bytes: a prefix that was given as text is UTF-8. */
function prefixBytes(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8').toString('latin1')
  if (bytes.length === 0 || bytes.length > MAX_PREFIX_BYTES) {
    throw new RequestError(400, `a prefix has 1 to ${MAX_PREFIX_BYTES} bytes`)
  }
  if (/[\0- \x7f]/.test(bytes)) {
    throw new RequestError(400, 'a prefix has neither spaces nor control characters')
  }
  return bytes
}
