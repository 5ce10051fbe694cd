// The quantiles of the standard normal distribution. Knows nothing of what is distributed so.

/**
 * What a standard normal number is below with this probability, from 0 to 1, right to seven digits (algorithm
 * AS 241, PPND7, by Michael Wichura, Applied Statistics 37, 1988).
 */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return Number.NEGATIVE_INFINITY
  if (probability >= 1) return Number.POSITIVE_INFINITY
  const fromMiddle = probability - 0.5
  if (Math.abs(fromMiddle) <= 0.425) {
    const r = 0.180625 - fromMiddle * fromMiddle
    return (
      (fromMiddle * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    )
  }
  const fromEnd = Math.sqrt(-Math.log(fromMiddle < 0 ? probability : 1 - probability))
  const distance = fromEnd <= 5 ? nearTail(fromEnd - 1.6) : farTail(fromEnd - 5)
  return fromMiddle < 0 ? -distance : distance
}

function nearTail(r: number): number {
  return (
    (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) /
    ((0.12021132975 * r + 0.7370016425) * r + 1)
  )
}

function farTail(r: number): number {
  return (
    (((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115) /
    ((0.012258202635 * r + 0.24197894225) * r + 1)
  )
}
