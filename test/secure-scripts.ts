// Clients of other languages that come over TLS or log in: the scripts of interop/ that do so, and openssl. Knows what they
// say when all is well.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Peer, PYTHON } from './peers.ts'

const DEADLINE_MS = 60_000

export interface Outcome {
  readonly same: boolean
  readonly output: string
}

/** Runs a script of interop/. */
export function run(
  command: string,
  script: string,
  args: readonly string[],
  env = {},
): Promise<Outcome> {
  const path = fileURLToPath(new URL(`interop/${script}`, import.meta.url))
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: DEADLINE_MS }
    execFile(command, [path, ...args], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`
      resolve({ same: error === null && stdout.includes('the same'), output })
    })
  })
}

/** Those that log in by SASL. */
export const SASL_CLIENTS: readonly SaslClient[] = [
  { peer: 'pylibmc', command: PYTHON, script: 'pylibmc_sasl.py' },
  { peer: 'php-memcached', command: 'php', script: 'php_sasl.php' },
  { peer: 'memjs', command: process.execPath, script: 'memjs_sasl.js' },
]

export interface SaslClient {
  readonly peer: Peer
  readonly command: string
  readonly script: string
}

export interface Reachable {
  readonly host: string
  readonly port: number
  readonly address: string
}

/** Logs in and asks for a few things. */
export function runSasl(
  { peer, command, script }: SaslClient,
  { host, port, address }: Reachable,
  user: string,
  password: string,
): Promise<Outcome> {
  const where = peer === 'php-memcached' ? [host, String(port)] : [address]
  return run(command, script, [...where, user, password])
}

/** What `openssl s_client`, which trusts the authority alone, is answered to a set and a get. */
export async function opensslSession({ address }: Reachable, caPath: string): Promise<string> {
  const child = spawn('openssl', [
    ...['s_client', '-quiet', '-verify_return_error', '-verify_hostname', 'localhost'],
    ...['-connect', address, '-CAfile', caPath],
  ])
  let output = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString('latin1')
  })
  child.stdin.write('set s 0 0 5\r\nvalue\r\nget s\r\nquit\r\n')
  await once(child, 'close')
  return output
}
