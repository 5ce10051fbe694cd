// The sizes in Meta's ETC pool, the most representative of five that were traced: what was published of
// them (B. Atikoglu, Y. Xu, E. Frachtenberg, S. Jiang, M. Paleczny, "Workload analysis of a large-scale
// key-value store", SIGMETRICS 2012). Knows no limits of a server.

/** How often a value has 0, 1, ... 14 bytes. All others are larger. */
export const ETC_SMALL_VALUES: readonly number[] = [
  0.00536, 0.00047, 0.1782, 0.09239, 0.00018, 0.0274, 0.00065, 0.00606, 0.00023, 0.00837, 0.00837,
  0.08989, 0.00092, 0.00326, 0.0198,
]
const SMALL_SHARE = ETC_SMALL_VALUES.reduce((sum, share) => sum + share, 0)

/** Keys: a generalized extreme value distribution. */
const KEYS = { location: 30.7984, scale: 8.20449, shape: 0.078688 }
/** Values that are not in the table: a generalized Pareto distribution from where it ends. */
const LARGE_VALUES = { location: ETC_SMALL_VALUES.length, scale: 214.476, shape: 0.348238 }

/** What a key is shorter than with this probability, from 0 to 1. In bytes, but not whole ones. */
export function etcKeyQuantile(probability: number): number {
  const power = Math.exp(-KEYS.shape * Math.log(-Math.log(probability)))
  return KEYS.location + (KEYS.scale * (power - 1)) / KEYS.shape
}

/** The same of a value. */
export function etcValueQuantile(probability: number): number {
  if (probability >= SMALL_SHARE) {
    const { location, scale, shape } = LARGE_VALUES
    const above = (1 - probability) / (1 - SMALL_SHARE)
    return location + (scale * (Math.exp(-shape * Math.log(above)) - 1)) / shape
  }
  let bytes = 0
  for (let left = probability; left >= ETC_SMALL_VALUES[bytes]!; bytes++) {
    left -= ETC_SMALL_VALUES[bytes]!
  }
  return bytes
}
