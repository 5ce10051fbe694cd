// The hottest keys and prefixes, and the largest items; or why they are not shown. Knows how a key is written.
import type { KeyState, RankedKey } from '../page-data.ts'
import { byId, element, setText } from './dom.ts'
import { bytes, count, duration } from './format.ts'

type Shown = Extract<KeyState, { readonly shown: true }>

export class KeyLists {
  readonly #place = byId('key-lists')
  readonly #about = byId('keys-about')
  readonly #filter = byId<HTMLInputElement>('key-filter')
  readonly #unlock: () => void
  #state: KeyState | undefined
  /** What is drawn, so that it stays while nothing changes. */
  #drawn = ''

  /** `unlock` asks the reader for the token. */
  constructor(unlock: () => void) {
    this.#unlock = unlock
    this.#filter.addEventListener('input', () => this.#draw())
  }

  show(state: KeyState): void {
    this.#state = state
    this.#draw()
  }

  #draw(): void {
    const state = this.#state
    if (state === undefined) return
    const wanted = this.#filter.value.trim().toLowerCase()
    const drawn = JSON.stringify([state, wanted])
    if (drawn === this.#drawn) return
    this.#drawn = drawn
    this.#filter.hidden = !state.shown
    if (!state.shown) {
      setText(this.#about, '')
      const button = element('button', { type: 'button' }, 'Enter the token')
      button.addEventListener('click', this.#unlock)
      this.#place.replaceChildren(
        element(
          'p',
          { class: 'nothing' },
          `Keys are not shown: ${state.reason}. `,
          state.token && button,
        ),
      )
      return
    }
    setText(this.#about, aboutSample(state))
    const keep = ({ key }: RankedKey): boolean => readable(key).toLowerCase().includes(wanted)
    this.#place.replaceChildren(
      ranking('Hottest keys', state.hot.filter(keep), (n) => `${count(n)}`, state.hot),
      ranking(
        'Hottest prefixes',
        state.prefixes.filter(keep),
        (n) => `${count(n)}`,
        state.prefixes,
      ),
      ranking('Largest items', state.big.filter(keep), bytes, state.big),
    )
  }
}

function aboutSample({ windowSeconds, sampled }: Shown): string {
  return `Estimated from a sample: requests of the last ${duration(windowSeconds)}, ${count(sampled)} of them looked at.`
}

function ranking(
  title: string,
  keys: readonly RankedKey[],
  text: (amount: number) => string,
  all: readonly RankedKey[],
): HTMLElement {
  const most = Math.max(1, ...all.map(({ amount }) => amount))
  const rows = keys.map(({ key, amount }) => {
    const bar = element('i', { class: 'bar', 'aria-hidden': 'true' })
    bar.style.inlineSize = `${(amount / most) * 100}%`
    const name = readable(key)
    return element(
      'li',
      {},
      bar,
      element('code', { title: name }, name),
      element('span', { class: 'value' }, text(amount)),
    )
  })
  const list =
    rows.length === 0 ? element('p', { class: 'nothing' }, 'none') : element('ol', {}, ...rows)
  return element('section', { class: 'ranking' }, element('h3', {}, title), list)
}

/** As it was sent, if that is text; else as it is encoded. */
export function readable(key: string): string {
  try {
    const text = decodeURIComponent(key)
    return /\p{Cc}/u.test(text) ? key : text
  } catch {
    return key
  }
}
