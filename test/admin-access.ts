// Who may ask an admin port that is for its own machine, the server's or the proxy's: the same for both. Knows only paths
// that both have.
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { type AskOptions, askHttp } from './admin-node.ts'

const CROSS_SITE = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }

/** What is asked, and with which status that is answered. */
export const REQUESTS: readonly (readonly [status: number, path: string, asked?: AskOptions])[] = [
  // Called by a name of this machine, or by another site's that leads here.
  [200, '/metrics', { headers: { host: 'localhost' } }],
  [200, '/metrics', { headers: { host: 'localhost:80' } }],
  [200, '/metrics', { headers: { host: '127.0.0.1:1' } }],
  [200, '/metrics', { headers: { host: '[::1]' } }],
  [421, '/metrics', { headers: { host: 'evil.example' } }],
  [421, '/metrics', { headers: { host: 'evil.example:80' } }],
  [421, '/metrics', { headers: { host: '127.0.0.1.evil.example' } }],
  // Asked by the script of another site, or by a reader who follows a link there.
  [403, '/metrics', { headers: CROSS_SITE }],
  [403, '/metrics', { headers: { origin: 'https://evil.example' } }],
  [403, '/metrics', { method: 'POST', headers: { origin: 'https://evil.example' } }],
  [200, '/metrics', { headers: { ...CROSS_SITE, 'sec-fetch-mode': 'navigate' } }],
  // Not there, or not so.
  [404, '/nothing'],
  [404, '/../../etc/passwd'],
  [404, '/%00'],
  [414, `/${'x'.repeat(4000)}`],
  [405, '/metrics', { method: 'POST' }],
  [405, '/metrics', { method: 'DELETE' }],
  [200, '/metrics', { method: 'HEAD' }],
]

/** Noise, half requests, floods of headers and of connections: refused or cut off, after which it answers as before. */
export async function survivesNoise(port: number): Promise<void> {
  expect(await raw(port, '\0\x01\x02\xff\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  expect(await raw(port, 'get a\r\n')).toMatch(/^HTTP\/1.1 400 /)
  expect(await raw(port, 'GET /metrics HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  const header = `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await raw(port, header)).toMatch(/^HTTP\/1.1 4/)
  // Who begins and doesn't go on is cut off.
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n')
    return socket
  })
  await Promise.all(sockets.map((socket) => closed(socket.resume())))
  await expect.poll(() => askHttp(port, '/readyz').then(({ status }) => status, String)).toBe(200)
}

/** All that comes in answer, until it is closed. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  await closed(socket)
  return answer
}

function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve))
}
