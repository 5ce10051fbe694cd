// The text protocol through the proxy, byte for byte: the transcripts that both servers must give, held against a proxy in
// front of one node.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { ARITHMETIC, OPERATION } from './transcripts/arithmetic.ts'
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
const LEFT_OUT: Readonly<Record<string, string>> = {}

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
})
