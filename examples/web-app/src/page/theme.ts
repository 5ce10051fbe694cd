// Light or dark: as the reader's system is, until the reader says otherwise; kept for the next time where it can be.

const KEY = 'memshard-theme'

export function offerThemes(button: HTMLButtonElement): void {
  const root = document.documentElement
  const kept = remembered()
  if (kept === 'light' || kept === 'dark') root.dataset.theme = kept
  button.hidden = false
  button.addEventListener('click', () => {
    const chosen = root.dataset.theme
    const dark =
      chosen === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark'
    root.dataset.theme = dark ? 'light' : 'dark'
    try {
      localStorage.setItem(KEY, root.dataset.theme)
    } catch {
      // Where nothing may be kept, it is for this time.
    }
  })
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
