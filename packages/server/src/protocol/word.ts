// What can be one word of a line of text. Keys that come in Base64 or by the binary protocol may have any bytes: where
// they are shown among others, they must not end a word, a line or an answer. Knows bytes, no command.

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

function endsWord(byte: number): boolean {
  return byte <= SPACE && (byte === SPACE || byte === LF || byte === CR || byte === NUL)
}

/** Whether `bytes[at..at+length)` is read as the one word that it is. */
export function isWord(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) {
    if (endsWord(bytes[i])) return false
  }
  return true
}

/** Latin-1 text as one word: what would end it is percent-encoded, and everything else stays as it is. */
export function asWord(text: string): string {
  let word = ''
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i)
    word += endsWord(byte) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : text[i]
  }
  return word
}
