// Markup from templates. Whatever is put into one is text, and escaped, unless it is markup itself.

/** What may stand on a page as it is. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

/** Nothing (undefined, false) is left out. */
export type Content = Html | string | number | undefined | false | readonly Content[]

export function html(texts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  let markup = texts[0]!
  contents.forEach((content, i) => {
    markup += markupOf(content) + texts[i + 1]!
  })
  return new Html(markup)
}

function markupOf(content: Content): string {
  if (content === undefined || content === false) return ''
  if (content instanceof Html) return content.markup
  if (typeof content === 'object') return content.map(markupOf).join('')
  return escapeText(String(content))
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!)
}
