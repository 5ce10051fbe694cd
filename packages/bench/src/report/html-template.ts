// HTML as template strings in which every text is escaped, so that no label, server or error message can be
// markup. Knows no page.

/** Text that may stand in a page as it is; only {@link html} and {@link trusted} make it. */
export interface Html {
  readonly markup: string
}

export type HtmlValue = string | number | Html | Html[] | undefined

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What stands in the template's places is text, or HTML that was made by this; undefined is nothing. */
export function html(template: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const markup = template.reduce((text, part, index) => text + markupOf(values[index - 1]) + part)
  return { markup }
}

/** Only for text that this package itself brings along. */
export function trusted(markup: string): Html {
  return { markup }
}

/** JSON for the inside of a script element: no text in it can end the element. */
export function embeddedJson(json: string): Html {
  return trusted(
    json.replaceAll(
      /[<\u2028\u2029]/g,
      (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )
}

function markupOf(value: HtmlValue): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value.replaceAll(/[&<>"']/g, (found) => ESCAPES[found]!)
  if (typeof value === 'number') return String(value)
  return Array.isArray(value) ? value.map(({ markup }) => markup).join('') : value.markup
}
