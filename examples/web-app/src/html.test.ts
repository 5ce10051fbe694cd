import { expect, test } from 'vitest'
import { html } from './html.ts'

test('what is put into a template is text, not markup', () => {
  const name = `<script>alert("x")</script> & 'y'`
  expect(html`<b title="${name}">${name}</b>`.markup).toBe(
    '<b title="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;</b>',
  )
})

test('unless it is a template’s own; lists are joined, and nothing is left out', () => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
  expect(html`<ul>${items}${undefined}${false}</ul> ${0}`.markup).toBe(
    '<ul><li>a</li><li>&lt;b&gt;</li></ul> 0',
  )
})
