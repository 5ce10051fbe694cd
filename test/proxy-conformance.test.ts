// Every protocol through the proxy, byte for byte: the transcripts that both servers must give, held against a proxy in front
// of one node.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { packet } from './packets.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { ARITHMETIC, OPERATION } from './transcripts/arithmetic.ts'
import { BINARY } from './transcripts/binary.ts'
import { answersToFence, holdBinary } from './transcripts/binary-transcript.ts'
import { META } from './transcripts/meta.ts'
import { RETRIEVAL } from './transcripts/retrieval.ts'
import { STORAGE } from './transcripts/storage.ts'
import { hold } from './transcripts/transcript.ts'
import { Wire } from './wire.ts'

const TRANSCRIPTS = [
  ['storage', STORAGE],
  ['retrieval', RETRIEVAL],
  ['arithmetic', ARITHMETIC],
  ['operation', OPERATION],
  ['meta', META],
] as const

/** By title, why they say nothing about a proxy. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'a value that is too large is dropped as it arrives, and the old one with it':
    'nodes are asked by ms, which takes the old item with it in every mode, not for set alone',
}

describe('through the proxy', () => {
  let node: RunningNode
  let proxy: RunningProxy

  beforeAll(async () => {
    node = await startNode()
    proxy = await startProxy({ flags: ['-s', node.address, '--timeout', '20000'] })
  })
  afterAll(async () => {
    await proxy?.stop('SIGKILL')
    await node?.stop('SIGKILL')
  })

  describe.each(TRANSCRIPTS)('%s', (_, transcripts) => {
    test.for(transcripts)('$title', async (transcript, { skip }) => {
      skip(LEFT_OUT[transcript.title] !== undefined, LEFT_OUT[transcript.title])
      await using wire = await Wire.connect(proxy)
      expect(await wire.say('flush_all\r\n')).toBe('OK\r\n')
      await hold(proxy, transcript, { is1618: false })
    })
  })

  test.for(BINARY)('binary: $title', async (transcript, { skip }) => {
    skip(LEFT_OUT[transcript.title] !== undefined, LEFT_OUT[transcript.title])
    await using wire = await Wire.connect(proxy)
    wire.send(packet('flushq'))
    await answersToFence(wire)
    await holdBinary(proxy, transcript, '1.6.45')
  })
})
