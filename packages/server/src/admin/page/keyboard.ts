// Single keys that do something, wherever the reader is but in a field. Knows no page.

export type Shortcuts = Readonly<Record<string, () => void>>

export function listen(shortcuts: Shortcuts): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const { target } = event
    if (target instanceof HTMLInputElement || document.querySelector('dialog[open]') !== null)
      return
    const act = shortcuts[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  })
}

/** Goes to a section, and lets keys go on from there. */
export function goTo(section: HTMLElement): void {
  if (section.hidden) return
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
  section.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'start' })
  section.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true })
}
