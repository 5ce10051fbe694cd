// How answers are read, whatever the protocol. Knows no protocol: classic-, meta- and binary-reader.ts do.

export interface WireReader {
  /** Set once the stream is no answer to what was asked, as the end of "the server ...". */
  readonly broken: string | undefined
  /** Takes the next `length` bytes, which may begin and end anywhere. What they mean is told to the outcomes. */
  read(bytes: Uint8Array, length: number): void
}

const QUOTED_MAX = 80

/** A line of an answer, for a complaint. */
export function quote(line: string): string {
  return JSON.stringify(line.length > QUOTED_MAX ? `${line.slice(0, QUOTED_MAX)}...` : line)
}
