// Answers that are longer than a reply should be and are made as they are sent: a part under each hold of
// the lock, with a turn for the other connections between two parts. Knows when a part ends, not what is
// listed.
import type { Context } from './context.ts'

/** What is still to be listed; a connection holds it until it is done or goes away. */
export interface Listing {
  /** Writes the next part into the context's reply; true when that was the last one. */
  step(context: Context): boolean
}
