import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  describePopularity,
  type Popularity,
  parsePopularity,
  type SinglePopularity,
} from './popularity.ts'

describe('the text of a popularity', () => {
  test('names its kind and its numbers', () => {
    const texts: [string, Popularity][] = [
      ['shuffled', { kind: 'shuffled' }],
      ['uniform', { kind: 'uniform' }],
      ['scan', { kind: 'scan' }],
      ['zipf:0.99', { kind: 'zipf', exponent: 0.99 }],
      ['zipf:0', { kind: 'zipf', exponent: 0 }],
      ['hotspot:10%:90%', { kind: 'hotspot', keys: 0.1, requests: 0.9 }],
      ['hotspot:0.7%:100%', { kind: 'hotspot', keys: 0.007, requests: 1 }],
      [
        'drift:0.5:zipf:1',
        { kind: 'drift', keysPerThousandRequests: 0.5, of: { kind: 'zipf', exponent: 1 } },
      ],
      [
        'zipf:1@80%+scan@20%',
        {
          kind: 'mix',
          parts: [
            { share: 0.8, popularity: { kind: 'zipf', exponent: 1 } },
            { share: 0.2, popularity: { kind: 'scan' } },
          ],
        },
      ],
    ]
    for (const [text, popularity] of texts) {
      expect(parsePopularity(text)).toEqual(popularity)
      expect(describePopularity(popularity)).toBe(text)
    }
  })

  test('is read as what it describes', () => {
    const decimal = (max: number): fc.Arbitrary<number> =>
      fc.integer({ min: 1, max: max * 1_000 }).map((thousandths) => Number(`${thousandths}e-3`))
    const single = fc.letrec<{ single: SinglePopularity }>((tie) => ({
      single: fc.oneof(
        { maxDepth: 2 },
        fc.constantFrom<SinglePopularity>(
          { kind: 'shuffled' },
          { kind: 'uniform' },
          { kind: 'scan' },
        ),
        fc.record({ kind: fc.constant('zipf' as const), exponent: decimal(5) }),
        fc.record({
          kind: fc.constant('hotspot' as const),
          keys: decimal(1),
          requests: decimal(1),
        }),
        fc.record({
          kind: fc.constant('drift' as const),
          keysPerThousandRequests: decimal(100),
          of: tie('single'),
        }),
      ),
    })).single
    const mixture = fc.record({
      kind: fc.constant('mix' as const),
      parts: fc
        .tuple(single, single, fc.integer({ min: 1, max: 999 }))
        .map(([first, second, thousandths]) => [
          { share: Number(`${thousandths}e-3`), popularity: first },
          { share: Number(`${1_000 - thousandths}e-3`), popularity: second },
        ]),
    })
    fc.assert(
      fc.property(fc.oneof(single, mixture), (popularity) => {
        expect(parsePopularity(describePopularity(popularity))).toEqual(popularity)
      }),
    )
  })

  test('is refused with a word on how it is written', () => {
    const wrong = [
      '',
      'zipfian',
      'zipf',
      'zipf:-1',
      'zipf:21',
      'zipf:1:2',
      'uniform:1',
      'hotspot:10:90',
      'hotspot:0%:90%',
      'hotspot:10%:101%',
      'hotspot:10%:90%:1%',
      'drift:zipf:1',
      'drift:0:zipf:1',
      'zipf:1@80%',
      'zipf:1@80%+scan',
      'zipf:1@80%+scan@30%',
      'zipf:1@80%@20%+scan@20%',
      'zipf:1+scan',
    ]
    for (const text of wrong) {
      expect(() => parsePopularity(text), text).toThrow(/no popularity of keys: write it like/)
    }
  })

  test('may have shares that are rounded', () => {
    expect(() => parsePopularity('scan@33.33%+uniform@33.33%+zipf:1@33.33%')).not.toThrow()
  })
})
