// How text stands out on a terminal: a few kinds of ink, or none (NO_COLOR). Pure.

export type Ink = 'strong' | 'faint' | 'good' | 'warning' | 'bad' | 'accent' | 'inverse'

export type Paint = (ink: Ink | undefined, text: string) => string

const CODES: Readonly<Record<Ink, string>> = {
  strong: '1',
  faint: '2',
  good: '32',
  warning: '33',
  bad: '1;31',
  accent: '36',
  inverse: '7',
}

export const inColor: Paint = (ink, text) =>
  ink === undefined ? text : `\x1b[${CODES[ink]}m${text}\x1b[0m`

export const plain: Paint = (_, text) => text
