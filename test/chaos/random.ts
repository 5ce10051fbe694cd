// Numbers that are the same for the same seed, so that a run can be had again.

/** Numbers from 0 up to 1 (a linear congruential generator's). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function between(random: () => number, least: number, most: number): number {
  return least + random() * (most - least)
}

export function oneOf<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]
}
