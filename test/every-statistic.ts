// Requests after which every statistic has counted something. Knows no server.

/** Something for every statistic that counts. */
export const LOAD = [
  ...Array.from({ length: 50 }, (_, i) => `set small-${i} 0 0 5\r\nvalue\r\n`),
  ...Array.from({ length: 50 }, (_, i) => `set medium-${i} 7 1000 900\r\n${'v'.repeat(900)}\r\n`),
  `set large 0 0 300000\r\n${'v'.repeat(300_000)}\r\n`,
  'get small-1 small-2 nope\r\ngets medium-1\r\n',
  'set number 0 0 1\r\n1\r\nincr number 1\r\ndecr number 1\r\nincr nope 1\r\ndecr nope 1\r\n',
  'cas small-1 0 0 1 9999999\r\nx\r\ncas nope 0 0 1 1\r\nx\r\n',
  'touch small-1 0\r\ntouch nope 0\r\ndelete small-49\r\ndelete nope\r\n',
  'set gone 0 -1 1\r\nx\r\nget gone\r\n',
]
