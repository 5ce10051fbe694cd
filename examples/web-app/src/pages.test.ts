import { expect, test } from 'vitest'
import { html } from './html.ts'
import { fillHoles, hole, homePage } from './pages.ts'

test('holes are filled; text that looks like one is not one', () => {
  const forged = '<!--hole:basket-->'
  const page = html`<p>${hole('basket')}</p><p>${forged}</p>`.markup
  expect(fillHoles(page, (name) => html`<i>${name}</i>`)).toBe(
    '<p><i>basket</i></p><p>&lt;!--hole:basket--&gt;</p>',
  )
})

test('a page has a hole for each of its fragments, and nothing of a visitor’s', () => {
  const page = homePage([{ name: 'best rated', html: '<h2>Best</h2>' }]).markup
  const holes: string[] = []
  fillHoles(page, (name) => {
    holes.push(name)
    return html``
  })
  expect(holes.toSorted()).toEqual([
    ...['basket', 'lost', 'made', 'nodes', 'part best rated', 'story', 'visitors'],
  ])
})
