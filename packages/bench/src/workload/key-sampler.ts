// Draws the keys of a load by their popularity. Ranks come first, the most popular one is 0; then a fixed
// order of the keys says which key has that rank. Knows no operations and no text of keys.
import { BY_POPULARITY, BY_SCAN, keyOrder } from './key-order.ts'
import type { Popularity, PopularityPart, SinglePopularity } from './popularity.ts'
import { probabilityOf, type RandomBits, shuffledDeck } from './random.ts'
import { ZipfSampler } from './zipf.ts'

/** Draws a number below that of keys. */
export type Sampler = () => number

/** Draws keys below `keys`, at most 2^32. The random numbers, in the order in which they come, decide which. */
export function keySampler(popularity: Popularity, keys: number, random: RandomBits): Sampler {
  const rank = rankSampler(popularity, keys, random)
  const keyOfRank = keyOrder(keys, BY_POPULARITY)
  return () => keyOfRank(rank())
}

function rankSampler(popularity: Popularity, ranks: number, random: RandomBits): Sampler {
  switch (popularity.kind) {
    case 'shuffled':
      return shuffledDeck(ranks, () => random.uniform())
    case 'uniform':
      return () => random.below(ranks)
    case 'zipf': {
      const zipf = new ZipfSampler(ranks, popularity.exponent)
      return () => zipf.sample(random)
    }
    case 'hotspot':
      return hotspotSampler(popularity.keys, popularity.requests, ranks, random)
    case 'scan':
      return scanSampler(ranks, random)
    case 'drift':
      return driftSampler(popularity.of, popularity.keysPerThousandRequests, ranks, random)
    case 'mix':
      return mixtureSampler(popularity.parts, ranks, random)
  }
}

/** At least one rank is hot. Where all are, the others get no requests. */
function hotspotSampler(
  hotShare: number,
  requestShare: number,
  ranks: number,
  random: RandomBits,
): Sampler {
  const hot = Math.max(1, Math.round(hotShare * ranks))
  const cold = ranks - hot
  return () =>
    cold === 0 || probabilityOf(random.word()) < requestShare
      ? random.below(hot)
      : hot + random.below(cold)
}

function scanSampler(ranks: number, random: RandomBits): Sampler {
  // By ranks, a scan beside other requests would come to all the popular keys first.
  const order = keyOrder(ranks, BY_SCAN)
  // From anywhere: of several threads none scans what another has asked for just before.
  let place = random.below(ranks)
  return () => {
    place = place + 1 === ranks ? 0 : place + 1
    return order(place)
  }
}

function driftSampler(
  of: SinglePopularity,
  keysPerThousandRequests: number,
  ranks: number,
  random: RandomBits,
): Sampler {
  const rank = rankSampler(of, ranks, random)
  const keysPerRequest = keysPerThousandRequests / 1_000
  let requests = 0
  return () => {
    const moved = Math.floor(requests * keysPerRequest) % ranks
    requests++
    // Whoever had the last rank comes before the first one now, and all others are one further down.
    const before = rank() - moved
    return before < 0 ? before + ranks : before
  }
}

function mixtureSampler(
  parts: readonly PopularityPart[],
  ranks: number,
  random: RandomBits,
): Sampler {
  const samplers = parts.map((part) => rankSampler(part.popularity, ranks, random))
  const whole = parts.reduce((sum, part) => sum + part.share, 0)
  const shares = Float64Array.from(parts, (part) => part.share / whole)
  return () => {
    let left = probabilityOf(random.word())
    let part = 0
    while (part < shares.length - 1 && left >= shares[part]!) {
      left -= shares[part]!
      part++
    }
    return samplers[part]!()
  }
}
