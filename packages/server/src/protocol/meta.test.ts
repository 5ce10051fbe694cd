// The meta commands flag by flag, with the clock in our hands. Times are in seconds.
import { describe, expect, test } from 'vitest'
import { type Client, Server } from './conversation.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format'
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format'

/** A server of its own with one client; what they say to each other is checked line by line. */
function talk(): { say: Say; at: (seconds: number) => void; server: Server; client: Client } {
  const server = new Server()
  const client = server.connect()
  return {
    server,
    client,
    at: (seconds) => server.cache.clock.tick(seconds),
    say: (request, ...answers) => {
      const reply = client.send(`${request}\r\n`)
      server.check()
      expect(reply, request).toBe(answers.map((answer) => `${answer}\r\n`).join(''))
    },
  }
}
/** Sends a line, or two; expects these lines. */
type Say = (request: string, ...answers: string[]) => void

describe('mg', () => {
  test('returns what its flags ask for, in their order', () => {
    const { say } = talk()
    say('set a 7 100 3\r\nabc', 'STORED')
    say('mg a', 'HD')
    say('mg a v', 'VA 3', 'abc')
    say('mg a s v t f c k', 'VA 3 s3 t100 f7 c1 ka', 'abc')
    say('mg a k c f t v s', 'VA 3 ka c1 f7 t100 s3', 'abc')
    say('set empty 0 0 0\r\n', 'STORED')
    say('mg empty v t', 'VA 0 t-1', '')
  })

  test('prints client flags and sizes unsigned', () => {
    const { say } = talk()
    say('set a 4294967295 0 1\r\nx', 'STORED')
    say('mg a f s', 'HD f4294967295 s1')
  })

  test('on a miss answers EN with the opaque and the key', () => {
    const { say } = talk()
    say('mg a v s t', 'EN')
    say('mg a v O42 k', 'EN O42 ka')
    say('mg a k v O42 q')
  })

  test('q hides a miss, never a hit', () => {
    const { say } = talk()
    say('set a 0 0 1\r\nx', 'STORED')
    say('mg a q', 'HD')
    say('mg a q v', 'VA 1', 'x')
    say('mg b q v\r\nmn', 'MN')
  })

  test('h: whether it was hit before; l: seconds since; both before this hit', () => {
    const { say, at } = talk()
    say('set a 0 0 1\r\nx', 'STORED')
    at(10)
    say('mg a h l', 'HD h0 l10')
    say('mg a h l', 'HD h1 l10')
    // The second hit made it active: from then on its time of access is noted.
    say('mg a h l', 'HD h1 l0')
  })

  test('u leaves no trace', () => {
    const { say } = talk()
    say('set a 0 0 1\r\nx', 'STORED')
    say('mg a u h', 'HD h0')
    say('mg a u h', 'HD h0')
    say('mg a h', 'HD h0')
    say('mg a h', 'HD h1')
  })

  test('T gives a new time to live; t tells the old one before it and the new one after', () => {
    const { say, at } = talk()
    say('set a 0 100 1\r\nx', 'STORED')
    say('mg a t T50', 'HD t100')
    say('mg a T70 t', 'HD t70')
    say('mg a T0 t', 'HD t-1')
    say('mg a T-1', 'HD')
    say('mg a', 'EN')
    say('set a 0 0 1\r\nx', 'STORED')
    say('mg a T5', 'HD')
    at(5)
    say('mg a', 'EN')
  })

  test('C answers HD instead of the value while the CAS unique is this one', () => {
    const { say } = talk()
    say('set a 0 0 3\r\nabc', 'STORED')
    say('mg a v C1 c', 'HD c1')
    say('mg a v C2 c', 'VA 3 c1', 'abc')
    say('mg a C1', 'HD')
  })

  test('ignores flags of other commands', () => {
    const { say } = talk()
    say('set a 0 0 1\r\nx', 'STORED')
    say('mg a I x M D1 J1 F1 P L v', 'VA 1', 'x')
  })
})

describe('a client wins the right to fetch anew', () => {
  test('N: on a miss, with an empty item that others are told to wait for', () => {
    const { say, at } = talk()
    say('mg a N30 v t', 'VA 0 t30 W', '')
    say('mg a N30 v', 'VA 0 Z', '')
    say('mg a v', 'VA 0 Z', '')
    say('ms a 3\r\nnew', 'HD')
    say('mg a N30 v', 'VA 3', 'new')
    say('mg b N30', 'HD W')
    at(30)
    // Nobody has fetched it: somebody else may.
    say('mg b N30', 'HD W')
  })

  test('N E: the empty item gets this CAS unique', () => {
    const { say } = talk()
    say('mg a N0 E77 c', 'HD c77 W')
    say('ms a 1 C77\r\nx', 'HD')
  })

  test('R: when less than so many seconds are left', () => {
    const { say, at } = talk()
    say('set a 0 60 3\r\nold', 'STORED')
    say('mg a R30 v', 'VA 3', 'old')
    at(31)
    say('mg a R30 v t', 'VA 3 t29 W', 'old')
    say('mg a R30 v', 'VA 3 Z', 'old')
    say('ms a 3 T60\r\nnew', 'HD')
    say('mg a R30 v', 'VA 3', 'new')
    say('set forever 0 0 1\r\nx', 'STORED')
    say('mg forever R30', 'HD')
  })

  test('md I: of a stale value, which is served on', () => {
    const { say } = talk()
    say('set a 0 0 3\r\nold', 'STORED')
    say('md a I T30', 'HD')
    say('mg a v t c', 'VA 3 t30 c2 X W', 'old')
    say('mg a v', 'VA 3 Z X', 'old')
    // Invalid again: somebody else wins.
    say('md a I', 'HD')
    say('mg a v', 'VA 3 X W', 'old')
    say('ms a 3\r\nnew', 'HD')
    say('mg a v', 'VA 3', 'new')
  })

  test('and stores what it has fetched only if nobody was faster', () => {
    const { say } = talk()
    say('set a 0 100 3\r\nold', 'STORED')
    say('md a I', 'HD')
    say('mg a c', 'HD c2 X W')
    say('md a I', 'HD')
    // The value fetched meanwhile is older than the last invalidation: stored, but stale still.
    say('ms a 5 I C2 T999\r\nfetch', 'HD')
    say('mg a v t', 'VA 5 t100 X W', 'fetch')
    say('ms a 1 I C999\r\nx', 'EX')
    say('ms a 1 C2\r\nx', 'EX')
  })
})

describe('ms', () => {
  test('stores with client flags and time to live, and returns what is asked for', () => {
    const { say } = talk()
    say('ms a 3 F5 T60\r\nabc', 'HD')
    say('mg a v f t', 'VA 3 f5 t60', 'abc')
    say('ms a 2 c k O1 s\r\nxy', 'HD c2 ka O1 s2')
    say('mg a v f t', 'VA 2 f0 t-1', 'xy')
    say('ms a 0\r\n', 'HD')
  })

  test.each(['ME', 'MA', 'MP', 'MR', 'MS'])('%s on a missing key', (mode) => {
    const { say } = talk()
    const stores = mode === 'ME' || mode === 'MS'
    say(`ms a 1 ${mode} c\r\nx`, stores ? 'HD c1' : 'NS c0')
    say('mg a v', ...(stores ? ['VA 1', 'x'] : ['EN']))
  })

  test.each([
    ['ME', 'NS', 'old'],
    ['MA', 'HD', 'old+'],
    ['MP', 'HD', '+old'],
    ['MR', 'HD', '+'],
    ['MS', 'HD', '+'],
  ])('%s on an existing key', (mode, status, value) => {
    const { say } = talk()
    say('set a 0 0 3\r\nold', 'STORED')
    say(`ms a 1 ${mode}\r\n+`, status)
    say('mg a v', `VA ${value.length}`, value)
  })

  test('MA and MP: s is the size of all, N makes a missing one', () => {
    const { say } = talk()
    say('ms a 3 MA N60 s c\r\nabc', 'HD s3 c1')
    say('mg a t', 'HD t60')
    say('ms a 3 MA N99 s\r\ndef', 'HD s6')
    say('mg a v t', 'VA 6 t60', 'abcdef')
  })

  test('C: only over the item with this CAS unique', () => {
    const { say } = talk()
    say('ms a 1 C1\r\nx', 'NF')
    say('set a 0 0 1\r\nx', 'STORED')
    say('ms a 1 C9 c k O1\r\ny', 'EX c0 ka O1')
    say('ms a 1 C1 c\r\ny', 'HD c2')
    say('ms a 1 C9 MA\r\nz', 'EX')
    say('ms a 1 C2 MA\r\nz', 'HD')
    say('ms b 1 C9 MA\r\nz', 'NS')
    say('mg a v', 'VA 2', 'yz')
  })

  test('E: with this CAS unique', () => {
    const { say } = talk()
    say('ms a 1 E18446744073709551615 c\r\nx', 'HD c18446744073709551615')
    say('gets a', 'VALUE a 0 1 18446744073709551615', 'x', 'END')
    say('ms a 1 C18446744073709551615 E5 c\r\ny', 'HD c5')
  })

  test('q hides HD and nothing else', () => {
    const { say } = talk()
    say('ms a 1 q\r\nx')
    say('ms a 1 q ME\r\nx', 'NS')
    say('ms a 1 q C9\r\nx', 'EX')
    say('ms b 1 q C9\r\nx', 'NF')
    say('ms a 1 q\r\nxyz', 'CLIENT_ERROR bad data chunk', BAD_FORMAT)
    say('ms a 1 q y\r\nx', 'CLIENT_ERROR invalid flag')
  })

  test('swallows its value when it is refused for anything but its length', () => {
    const { say } = talk()
    const value = 'get a'
    say(`ms a ${value.length} y\r\n${value}\r\nmn`, 'CLIENT_ERROR invalid flag', 'MN')
    say(`ms a ${value.length} c c\r\n${value}\r\nmn`, 'CLIENT_ERROR duplicate flag', 'MN')
    say(
      `ms a ${value.length} Mz\r\n${value}\r\nmn`,
      'CLIENT_ERROR invalid mode for ms M token',
      'MN',
    )
    say(
      `ms a ${value.length} M\r\n${value}\r\nmn`,
      'CLIENT_ERROR invalid mode for ms M token',
      'MN',
    )
    say(
      `ms a ${value.length} Ma\r\n${value}\r\nmn`,
      'CLIENT_ERROR invalid mode for ms M token',
      'MN',
    )
    say(`ms a ${value.length} Tx\r\n${value}\r\nmn`, BAD_TOKEN, 'MN')
    say(`ms ${'k'.repeat(251)} ${value.length}\r\n${value}\r\nmn`, BAD_FORMAT, 'MN')
    say(`ms a x\r\nmn`, BAD_FORMAT, 'MN')
    say(`ms a -1\r\nmn`, BAD_FORMAT, 'MN')
    say(`ms a\r\nmn`, BAD_FORMAT, 'MN')
  })

  test.each(['', ' ME', ' MA', ' C5'])('too large a value takes the old one with it:%s', (mode) => {
    const { say } = talk()
    say('set a 0 0 3\r\nold', 'STORED')
    say(
      `ms a 1048576${mode}\r\n${'x'.repeat(1_048_576)}`,
      'SERVER_ERROR object too large for cache',
    )
    say('mg a', 'EN')
  })
})

describe('md', () => {
  test('deletes, if C is the CAS unique', () => {
    const { say } = talk()
    say('md a', 'NF')
    say('set a 0 0 1\r\nx', 'STORED')
    say('md a C9 O1 k', 'EX O1 ka')
    say('md a C1 O1 k', 'HD O1 ka')
    say('md a O1 k', 'NF O1 ka')
  })

  test('q hides HD and nothing else', () => {
    const { say } = talk()
    say('set a 0 0 1\r\nx', 'STORED')
    say('md a q C9', 'EX')
    say('md a q')
    say('md a q', 'NF')
  })

  test('x leaves an item without value: a new one, but for its CAS unique', () => {
    const { say } = talk()
    say('set a 5 60 3\r\nabc', 'STORED')
    say('mg a c', 'HD c1')
    say('md a x', 'HD')
    say('mg a v f t c', 'VA 0 f0 t-1 c1', '')
    say('md a x T10 E9 F7', 'HD')
    say('mg a v f t c', 'VA 0 f7 t10 c9', '')
  })

  test('I leaves the value as stale, with a new CAS unique or that of E', () => {
    const { say } = talk()
    say('set a 5 60 3\r\nabc', 'STORED')
    say('md a I', 'HD')
    say('mg a v f t c', 'VA 3 f5 t60 c2 X W', 'abc')
    say('md a I E70 T10', 'HD')
    say('mg a t c', 'HD t10 c70 X W')
    say('md a I x', 'HD')
    say('mg a v', 'VA 0 X W', '')
  })
})

describe('ma', () => {
  test('adds one, or D; with MD and M- subtracts', () => {
    const { say } = talk()
    say('set a 0 0 2\r\n10', 'STORED')
    say('ma a', 'HD')
    say('ma a v', 'VA 2', '12')
    say('ma a v D8', 'VA 2', '20')
    for (const mode of ['MI', 'M+', 'MIncr', 'M+1']) say(`ma a ${mode}`, 'HD')
    for (const mode of ['MD', 'M-', 'MDecr', 'M-1']) say(`ma a ${mode} v D2`, ...lines(mode))
    for (const mode of ['Mx', 'Mi', 'Md', 'M']) {
      say(`ma a ${mode}`, 'CLIENT_ERROR invalid mode for ma M token')
    }
  })

  /** 24 less 2 for each. */
  function lines(mode: string): string[] {
    const left = { MD: '22', 'M-': '20', MDecr: '18', 'M-1': '16' }[mode] ?? ''
    return ['VA 2', left]
  }

  test('stops at 0 and wraps at 2^64', () => {
    const { say } = talk()
    say('set a 0 0 1\r\n5', 'STORED')
    say('ma a MD D9 v', 'VA 1', '0')
    say('ma a D18446744073709551615 v', 'VA 20', '18446744073709551615')
    say('ma a D2 v', 'VA 1', '1')
  })

  test('N makes a missing one that begins with J', () => {
    const { say } = talk()
    say('ma a', 'NF')
    say('ma a N60 t v', 'VA 1 t60', '0')
    say('ma b N0 J13 D5 v t', 'VA 2 t-1', '13')
    say('ma b N0 J13 D5 v', 'VA 2', '18')
    say('ma c N0 J18446744073709551615 E7 v c', 'VA 20 c7', '18446744073709551615')
  })

  test('returns t, c, k and O, and touches with T', () => {
    const { say } = talk()
    say('set a 0 0 1\r\n5', 'STORED')
    say('ma a t T60 c k O1 v', 'VA 1 t-1 c2 ka O1', '6')
    say('ma a t', 'HD t60')
  })

  test('C: only the item with this CAS unique; E: gives it this one', () => {
    const { say } = talk()
    say('set a 0 0 1\r\n5', 'STORED')
    say('ma a C9 O1 k', 'EX O1 ka')
    say('ma a C1 E70 c v', 'VA 1 c70', '6')
  })

  test('q hides HD and VA, nothing else', () => {
    const { say } = talk()
    say('ma a q', 'NF')
    say('ma a q N0')
    say('ma a q v')
    say('ma a q C99', 'EX')
    say('set a 0 0 1\r\nx', 'STORED')
    say('ma a q', 'CLIENT_ERROR cannot increment or decrement non-numeric value')
    say('ma a q Mx', 'CLIENT_ERROR invalid mode for ma M token')
  })

  test('calls every wrong flag the same', () => {
    const { say } = talk()
    for (const wrong of ['y', 'Dx', 'Jx', 'Tx', 'N', 'v v', 'C']) {
      say(`ma a ${wrong}`, 'CLIENT_ERROR invalid or duplicate flag')
    }
    say('ma', BAD_FORMAT)
  })
})

describe('mn', () => {
  test('answers MN', () => {
    const { say } = talk()
    say('mn', 'MN')
    say('mn whatever', 'MN')
  })
})

describe('me', () => {
  test('tells of an item without touching it', () => {
    const { say, at, client } = talk()
    say('me a', 'EN')
    say('set a 5 100 3\r\nabc', 'STORED')
    at(10)
    const line = /^ME a exp=90 la=10 cas=1 fetch=(yes|no) cls=1 size=\d+\r\n$/
    expect(line.exec(client.send('me a\r\n'))?.[1]).toBe('no')
    expect(line.exec(client.send('me a\r\n'))?.[1]).toBe('no')
    say('mg a', 'HD')
    expect(line.exec(client.send('me a\r\n'))?.[1]).toBe('yes')
    say('touch a 0', 'TOUCHED')
    expect(client.send('me a\r\n')).toContain(' exp=-1 ')
  })

  test('gives keys of b back as they came', () => {
    const { say, client } = talk()
    say('me Zm9v b', 'EN')
    say('ms Zm9v 1 b\r\nx', 'HD')
    expect(client.send('me Zm9v b\r\n')).toMatch(/^ME Zm9v exp=-1 /)
    expect(client.send('me foo\r\n')).toMatch(/^ME Zm9v exp=-1 /)
    say('me Zm9 b', 'CLIENT_ERROR error decoding key')
  })

  test('wants a key', () => {
    const { say } = talk()
    say('me', BAD_FORMAT)
    say(`me ${'k'.repeat(251)}`, BAD_FORMAT)
  })
})

describe('b: keys in base64', () => {
  // "foo bar" and its base64.
  const binary = 'Zm9vIGJhcg=='

  test('hold any bytes, and k gives them back as they came', () => {
    const { say } = talk()
    say(`ms ${binary} 2 b k\r\nhi`, `HD k${binary} b`)
    say(`mg ${binary} b k v`, `VA 2 k${binary} b`, 'hi')
    say(`mg ${binary} k v`, `EN k${binary}`)
    say(`md ${binary} b k`, `HD k${binary} b`)
    say(`mg ${binary} b k`, `EN k${binary} b`)
    say(`ma ${binary} b N0 k v`, `VA 1 k${binary} b`, '0')
    say(`mg ${binary} b N0 k v`, `VA 1 k${binary} b`, '0')
  })

  test('are the same keys as those sent as they are', () => {
    const { say } = talk()
    say('ms Zm9v 2 b\r\nhi', 'HD')
    say('get foo', 'VALUE foo 0 2', 'hi', 'END')
    say('mg foo k v', 'VA 2 kZm9v b', 'hi')
    say('set foo 0 0 1\r\nx', 'STORED')
    say('mg Zm9v b k v', 'VA 1 kfoo', 'x')
  })

  test('may be as long as 250 bytes of base64', () => {
    const { say } = talk()
    const longest = Buffer.alloc(186, 0xff).toString('base64')
    say(`ms ${longest} 1 b\r\nx`, 'HD')
    say(`mg ${longest} b k`, `HD k${longest} b`)
    say(`mg ${longest}AAAA b`, BAD_FORMAT)
  })

  test.each(['Zm9', 'Zm9!', '====', 'Zm9v='])('undecodable: %s', (key) => {
    const { say } = talk()
    say(`mg ${key} b`, 'CLIENT_ERROR error decoding key')
  })
})

describe('what is wrong with flags is said, whatever q says', () => {
  const opaque = 'O'.padEnd(32, '1')

  test.each([
    ['', BAD_FORMAT],
    ['a !', BAD_FORMAT],
    ['a y', 'CLIENT_ERROR invalid flag'],
    ['a 1', 'CLIENT_ERROR invalid flag'],
    ['a v v', 'CLIENT_ERROR duplicate flag'],
    ['a T1 T2', 'CLIENT_ERROR duplicate flag'],
    ['a T', BAD_TOKEN],
    ['a Tx', BAD_TOKEN],
    ['a T4294967296', BAD_TOKEN],
    ['a N', BAD_TOKEN],
    ['a Rx', BAD_TOKEN],
    ['a C', BAD_TOKEN],
    ['a C18446744073709551616', BAD_TOKEN],
    ['a E-1', BAD_TOKEN],
    ['a Jx', 'CLIENT_ERROR invalid numeric initial value'],
    ['a D-1', 'CLIENT_ERROR invalid numeric delta value'],
    ['a Fx', BAD_FORMAT],
    ['a F4294967296', BAD_FORMAT],
    [`a ${opaque}1`, 'CLIENT_ERROR opaque token too long'],
    [`${'k'.repeat(251)}`, BAD_FORMAT],
    ['a b c C1 D1 E1 f F1 h I J1 k l M N1 O1 P q R1 s', 'CLIENT_ERROR options flags are too long'],
  ])('%s', (request, answer) => {
    const { say } = talk()
    say(`mg ${request}`, answer)
    say(`md ${request === '' ? '' : `${request} q`}`, answer)
  })

  test('the longest opaque is 31 bytes and its letter', () => {
    const { say } = talk()
    say(`mg a ${opaque}`, `EN ${opaque}`)
  })
})
