// Makes and changes elements. Text is always text: nothing that a server says can be markup.

type Attributes = Readonly<Record<string, string | number>>

const SVG = 'http://www.w3.org/2000/svg'

export function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  text?: string,
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, `${value}`)
  if (text !== undefined) made.append(text)
  return made
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text = '',
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

/** The element that the page was written with. */
export function byId<Found extends Element = HTMLElement>(id: string): Found {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as unknown as Found
}

/** Changes the text only if it is another: what is selected or read aloud stays. */
export function setText(place: Node | null, text: string): void {
  if (place !== null && place.textContent !== text) place.textContent = text
}
