// What a caller is told when a connection fails it: which node, which key, and what to do about it.
// Knows the words only; the connection decides when.
import {
  ArgumentError,
  CodecError,
  ConnectionError,
  OverloadError,
  ProtocolError,
  ServerError,
  TimeoutError,
} from '../errors.ts'
import type { Call } from './call.ts'

export function connectionLost(node: string, reason: string, cause?: unknown): ConnectionError {
  const text = `connection to ${node} failed: ${reason}${adviceFor(cause)}`
  return new ConnectionError(text, { node, cause })
}

/** The codes are OpenSSL's and Node's. */
function adviceFor(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (/ALTNAME/.test(code)) return ': set tls.servername, or another certificate'
  if (/CERT|ISSUER|SIGNATURE/.test(code)) return ' (TLS): set tls.ca to who signed its certificate'
  return /WRONG_VERSION_NUMBER/.test(code) ? ': the node does not speak TLS there' : ''
}

/** What arrived cannot be trusted, nor anything after it. */
export function streamBroken(node: string, cause: unknown): ProtocolError {
  return new ProtocolError(`connection to ${node} closed: ${reasonOf(cause)}`, { node, cause })
}

export function overloaded(node: string, call: Call, calls: number, bytes: number): OverloadError {
  return new OverloadError(
    `${calls} calls wait for ${node} and ${bytes} bytes wait to be sent: slow down, or raise maxInflight or maxQueuedBytes`,
    { node, key: call.key },
  )
}

export function tooLate(node: string, call: Call, connected: boolean): TimeoutError {
  const { name } = call.operation
  const waited = Math.round(call.deadline - call.issuedAt)
  return new TimeoutError(
    `${connected ? 'no answer' : 'no connection'} for ${name} from ${node} within ${waited} ms: raise timeout, or look at the node`,
    { node, key: call.key },
  )
}

export function refused(node: string, call: Call, line: string): ServerError {
  return new ServerError(`${node} refused ${call.operation.name}: ${line}`, {
    node,
    key: call.key,
  })
}

export function unspeakable(node: string, call: Call): ArgumentError {
  return new ArgumentError(
    `${call.operation.name} with these options needs the meta protocol, and this client speaks the binary one`,
    { node, key: call.key },
  )
}

export function undecodable(node: string, call: Call, flags: number, cause: unknown): CodecError {
  const { key } = call
  return new CodecError(
    `the value of ${JSON.stringify(key)} cannot be decoded: ${reasonOf(cause)}`,
    { node, key, flags, cause },
  )
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
