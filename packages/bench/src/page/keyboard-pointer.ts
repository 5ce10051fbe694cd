// Lets keys do what a mouse does over a plot: arrows go from point to point, Escape away from it.
// Knows the places of the points, and nothing of what is there.

/** Points passed over by Page Up and Page Down. */
const PAGE = 10

/** `places` are in the coordinates of the SVG; `moved` is told the index of the one that was gone to. */
export function pointByKeys(
  svg: SVGSVGElement,
  places: readonly DOMPointInit[],
  moved: (index: number) => void,
): void {
  let at = -1
  const go = (to: number): void => {
    at = Math.max(0, Math.min(places.length - 1, to))
    point(svg, 'pointermove', places[at]!)
    moved(at)
  }
  const leave = (): void => {
    at = -1
    point(svg, 'pointerleave', {})
  }
  const keys: Readonly<Record<string, () => void>> = {
    ArrowRight: () => go(at + 1),
    ArrowLeft: () => go(at - 1),
    PageDown: () => go(at + PAGE),
    PageUp: () => go(at - PAGE),
    Home: () => go(0),
    End: () => go(places.length - 1),
    Escape: leave,
  }
  svg.setAttribute('tabindex', '0')
  svg.addEventListener('blur', leave)
  svg.addEventListener('keydown', (event) => {
    const act = keys[event.key]
    if (act === undefined || places.length === 0) return
    event.preventDefault()
    act()
  })
}

/** As a mouse would be there: the plot listens to no other. */
function point(svg: SVGSVGElement, type: string, place: DOMPointInit): void {
  const { x, y } = new DOMPoint(place.x, place.y).matrixTransform(svg.getScreenCTM() ?? undefined)
  svg.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, pointerType: 'mouse' }))
}
