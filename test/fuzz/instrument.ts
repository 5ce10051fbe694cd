// Has every branch of a JavaScript module count how often it is taken. Knows syntax; not what is counted with.
import { parseAst } from 'rolldown/parseAst'

/** Counters there are: branches beyond it share. A power of two. */
export const COVERAGE_BYTES = 1 << 16

/** Where instrumented modules find their counters: a property of `globalThis`, bytes that wrap around. */
export const COVERAGE_PROPERTY = '__memshardCoverage'

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/**
 * The module with its branches counted by `COVERAGE_BYTES` counters, of which it takes those from `firstCounter` on;
 * and where in the source each of them begins.
 */
export function instrument(
  source: string,
  firstCounter: number,
): { readonly code: string; readonly counters: number; readonly branchAt: readonly number[] } {
  const insertions: { at: number; text: string }[] = []
  const branchAt: number[] = []
  const count = (at: number): string => {
    branchAt.push(at)
    return `__counters[${(firstCounter + branchAt.length - 1) & (COVERAGE_BYTES - 1)}]++`
  }
  const insert = (at: number, text: string): void => void insertions.push({ at, text })
  const statement = (node: Node | null): void => {
    if (node === null || node.type === 'BlockStatement') return
    insert(node.start, `{${count(node.start)};`)
    insert(node.end, '}')
  }
  const expression = (node: Node): void => {
    insert(node.start, `(${count(node.start)},`)
    insert(node.end, ')')
  }
  const visit = (node: Node): void => {
    switch (node.type) {
      case 'BlockStatement':
        insert(node.start + 1, `${count(node.start)};`)
        break
      case 'IfStatement':
        statement(node.consequent as Node)
        statement(node.alternate as Node | null)
        break
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
        statement(node.body as Node)
        break
      case 'ConditionalExpression':
        expression(node.consequent as Node)
        expression(node.alternate as Node)
        break
      case 'LogicalExpression':
        expression(node.right as Node)
        break
      case 'SwitchCase': {
        const [first] = node.consequent as Node[]
        if (first !== undefined) insert(first.start, `${count(first.start)};`)
      }
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(parseAst(source, { lang: 'js' }) as unknown as Node)
  const head = `const __counters=globalThis.${COVERAGE_PROPERTY};`
  return { code: head + applied(source, insertions), counters: branchAt.length, branchAt }
}

function* childrenOf(node: Node): Generator<Node> {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') yield child
    }
  }
}

/** At one place, ends come before beginnings: inner ones before outer ones, and of beginnings the other way. */
function applied(source: string, insertions: readonly { at: number; text: string }[]): string {
  const ordered = insertions
    .map((insertion, found) => ({ ...insertion, found, ends: /^[)}]/.test(insertion.text) }))
    .sort((a, b) => {
      if (a.at !== b.at) return a.at - b.at
      if (a.ends !== b.ends) return a.ends ? -1 : 1
      return a.ends ? b.found - a.found : a.found - b.found
    })
  const parts: string[] = []
  let from = 0
  for (const { at, text } of ordered) {
    parts.push(source.slice(from, at), text)
    from = at
  }
  parts.push(source.slice(from))
  return parts.join('')
}
