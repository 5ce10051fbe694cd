import { expect, test } from 'vitest'
import { rankedKeys } from './key-ranking.ts'

const answering = (answers: Readonly<Record<string, string>>) => ({
  ask: (command: string) => answers[command.split(' ')[1] ?? ''] ?? 'ERROR\r\n',
})

test('keeps the order in which the server ranks', () => {
  const state = rankedKeys(
    answering({
      hotkeys:
        'STAT window_seconds 60\r\nSTAT sampled 1234\r\nSTAT key:b%20c 9\r\nSTAT key:a 5\r\nEND\r\n',
      hotprefixes: 'STAT window_seconds 60\r\nSTAT sampled 1234\r\nSTAT prefix:user 14\r\nEND\r\n',
      bigkeys: 'STAT window_seconds 600\r\nSTAT sampled 3\r\nSTAT key:big 1000000\r\nEND\r\n',
    }),
  )
  expect(state).toEqual({
    shown: true,
    windowSeconds: 60,
    sampled: 1234,
    hot: [
      { key: 'b%20c', amount: 9 },
      { key: 'a', amount: 5 },
    ],
    prefixes: [{ key: 'user', amount: 14 }],
    big: [{ key: 'big', amount: 1_000_000 }],
  })
})

test.each([
  ['ERROR\r\n', 'this server does not rank keys'],
  ['CLIENT_ERROR dumping not allowed\r\n', 'CLIENT_ERROR dumping not allowed'],
  ['STAT telemetry disabled\r\nEND\r\n', 'the server was started with -o no_telemetry'],
])('says why there are none: %j', (answer, reason) => {
  const answers = { hotkeys: answer, hotprefixes: answer, bigkeys: answer }
  expect(rankedKeys(answering(answers))).toEqual({ shown: false, reason, token: false })
})
