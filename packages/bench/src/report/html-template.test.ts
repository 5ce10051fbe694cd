import { array, assert, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { embeddedJson, html } from './html-template.ts'

test('text is escaped, HTML is not', () => {
  const label = `<img src=x onerror="alert('&')">`
  const inner = html`<b>${label}</b>`
  expect(html`<p title="${label}">${inner}${3}${undefined}${[inner, inner]}</p>`.markup).toBe(
    [
      '<p title="&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;">',
      '<b>&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;</b>3',
      '<b>&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;</b>',
      '<b>&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;</b></p>',
    ].join(''),
  )
})

test('JSON cannot end the script that it is in, and is the same JSON', () => {
  const parts = constantFrom(
    '<',
    '/',
    'script',
    '>',
    '!--',
    '\\',
    '"',
    '\u2028',
    '\u2029',
    'ü',
    '\ud800',
  )
  assert(
    property(array(parts), (found) => {
      const value = [found.join('')]
      const { markup } = embeddedJson(JSON.stringify(value))
      expect(markup).not.toMatch(/[<\u2028\u2029]/)
      expect(JSON.parse(markup)).toEqual(value)
    }),
  )
})
