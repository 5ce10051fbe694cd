// Light or dark: as the reader's system is, until the reader says otherwise; kept for the next time where it can be.

const KEY = 'memshard-theme'
const SCHEMES = ['light', 'dark'] as const

type Scheme = (typeof SCHEMES)[number]

export function restoreTheme(): void {
  const kept = remembered()
  if (kept !== undefined) document.documentElement.dataset.theme = kept
}

export function toggleTheme(): Scheme {
  const next: Scheme = currentScheme() === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset.theme = next
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Where nothing may be kept, it is for this time.
  }
  return next
}

function currentScheme(): Scheme {
  const chosen = document.documentElement.dataset.theme
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

function remembered(): Scheme | undefined {
  try {
    const kept = localStorage.getItem(KEY)
    return SCHEMES.find((scheme) => scheme === kept)
  } catch {
    return undefined
  }
}
