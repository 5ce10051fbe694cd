// The page's files, as the build has left them in the package. Knows where they are and what they are.
import { readFileSync } from 'node:fs'
import { type Answer, RequestError } from './http-exchange.ts'

/** From dist/admin/ and from dist/bundle/ alike. */
const FOLDER = new URL('../../dist/admin/page/', import.meta.url)

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
}

export const PAGE_PATHS = Object.keys(FILES)

/** @throws RequestError where the page was not built. */
export function pageFile(path: string): Answer {
  const [file, type] = FILES[path] ?? ['', '']
  try {
    return { status: 200, type, body: readFileSync(new URL(file, FOLDER)) }
  } catch {
    throw new RequestError(503, 'the page is not there: build the package (npm run build)')
  }
}
