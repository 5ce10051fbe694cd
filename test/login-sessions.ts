// Logging in by the text protocol as memcached's -Y has it: what is sent and how that is answered, by the server and by the
// proxy. Those who may are `foo` with `bar` and `baaaz` with `quux`.

const UNAUTHENTICATED = 'CLIENT_ERROR unauthenticated\r\n'
export const FAILURE = 'CLIENT_ERROR authentication failure\r\n'

export const login = (text: string): string => `set any 0 0 ${text.length}\r\n${text}\r\n`

/**
 * Sessions of steps: what is sent, and how 1.6.18 and 1.6.45 answer it. One by one, because 1.6.18 loses answers
 * when unauthenticated lines come together.
 */
export const LOGIN_SESSIONS: Readonly<
  Record<string, readonly (readonly [sent: string, answer: string])[]>
> = {
  'a wrong password, then the right one': [
    [login('foo bab'), FAILURE],
    [login('foo bar'), 'STORED\r\n'],
    ['set a 0 0 2\r\nhi\r\nget a\r\n', 'STORED\r\nVALUE a 0 2\r\nhi\r\nEND\r\n'],
  ],
  'another user': [
    [login('baaaz quux'), 'STORED\r\n'],
    ['get nothing\r\n', 'END\r\n'],
  ],
  'commands before': [
    ['get foo\r\n', UNAUTHENTICATED],
    ['version\r\n', UNAUTHENTICATED],
    ['shutdown\r\n', UNAUTHENTICATED],
    ['set foo 0 0 2\r\nhi\r\n', 'CLIENT_ERROR bad authentication token format\r\n'],
    ['set foo 0 0 x\r\n', UNAUTHENTICATED],
    [login('foo bar'), 'STORED\r\n'],
  ],
  'a value of another length than said': [
    ['set foo 0 0 5\r\nfoo bar', 'CLIENT_ERROR bad command line termination\r\n'],
  ],
}
