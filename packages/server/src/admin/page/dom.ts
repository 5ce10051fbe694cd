// Makes elements. Text is always text: nothing that a server says can be markup.

type Child = Node | string | undefined | false

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An attribute that is false or undefined is left out; true is one without a value. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  fill(made, attributes, children)
  return made
}

export function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  fill(made, attributes, children)
  return made
}

function fill(made: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false)
      made.setAttribute(name, value === true ? '' : `${value}`)
  }
  for (const child of children) if (child !== undefined && child !== false) made.append(child)
}

/** The element that the page was written with. */
export function byId<Found extends HTMLElement = HTMLElement>(id: string): Found {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as Found
}

/** Changes the text only if it is another: what is selected or read aloud stays. */
export function setText(place: Node, text: string): void {
  if (place.textContent !== text) place.textContent = text
}
