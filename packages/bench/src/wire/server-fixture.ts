// A server for tests: a map that answers the requests of all three protocols, whole and in order, and lies when
// it is told to. Written from the protocols, not from the code that speaks them.

/** What a get finds in place of what is stored; undefined: nothing. */
export type Lie = (key: string, stored: Buffer) => Buffer | undefined

type Stored = 'stored' | 'not stored'

export class ServerFixture {
  readonly items = new Map<string, Buffer>()
  lie: Lie = (_, stored) => stored

  /** All answers to these requests. */
  answer(requests: Uint8Array): Buffer {
    const input = Buffer.from(requests)
    const answers: Buffer[] = []
    let at = 0
    while (at < input.length) {
      const text = input[at] !== 0x80
      const { answer, length } = text
        ? this.#answerText(input.subarray(at))
        : this.#answerPacket(input.subarray(at))
      answers.push(answer)
      at += length
    }
    return Buffer.concat(answers)
  }

  #answerText(input: Buffer): { answer: Buffer; length: number } {
    const lineEnd = input.indexOf('\r\n')
    const words = input.toString('latin1', 0, lineEnd).split(' ')
    const [verb, key = '', ...rest] = words
    const dataAt = lineEnd + 2
    let length = dataAt
    const data = (bytes: string | undefined): Buffer => {
      length = dataAt + Number(bytes) + 2
      if (input.toString('latin1', length - 2, length) !== '\r\n') throw new Error('bad data chunk')
      return input.subarray(dataAt, length - 2)
    }
    const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1')
    const answer = (): Buffer => {
      switch (verb) {
        case 'get':
          return Buffer.concat([
            ...words.slice(1).flatMap((name) => {
              const value = this.#get(name)
              return value ? [line(`VALUE ${name} 0 ${value.length}`), value, line('')] : []
            }),
            line('END'),
          ])
        case 'set':
        case 'add':
        case 'append':
          return line(this.#store(verb, key, data(rest[2])) === 'stored' ? 'STORED' : 'NOT_STORED')
        case 'delete':
          return line(this.items.delete(key) ? 'DELETED' : 'NOT_FOUND')
        case 'touch':
          return line(this.items.has(key) ? 'TOUCHED' : 'NOT_FOUND')
        case 'incr':
          return line(this.#count(key, undefined) ?? 'NOT_FOUND')
        case 'mg':
          return this.#metaGet(key, rest, line)
        case 'ms': {
          const mode = rest.includes('MA') ? 'append' : rest.includes('ME') ? 'add' : 'set'
          return line(this.#store(mode, key, data(rest[0])) === 'stored' ? 'HD' : 'NS')
        }
        case 'md':
          return line(this.items.delete(key) ? 'HD' : 'NF')
        case 'ma':
          this.#count(key, rest.includes('J1') ? '1' : undefined)
          return line('HD')
        case 'mn':
          return line('MN')
        default:
          throw new Error(`no command: ${words.join(' ')}`)
      }
    }
    return { answer: answer(), length }
  }

  #metaGet(key: string, flags: readonly string[], line: (text: string) => Buffer): Buffer {
    if (!flags.includes('v')) return line(this.items.has(key) ? 'HD' : 'EN')
    const value = this.#get(key)
    if (!value) return flags.includes('q') ? Buffer.alloc(0) : line('EN')
    const echo = flags.includes('k') ? ` k${key}` : ''
    return Buffer.concat([line(`VA ${value.length}${echo}`), value, line('')])
  }

  #answerPacket(input: Buffer): { answer: Buffer; length: number } {
    const opcode = input.readUInt8(1)
    const keyAt = 24 + input.readUInt8(4)
    const valueAt = keyAt + input.readUInt16BE(2)
    const length = 24 + input.readUInt32BE(8)
    const key = input.toString('latin1', keyAt, valueAt)
    const data = input.subarray(valueAt, length)
    const answer = (
      status: number,
      extras = '',
      echo = '',
      value: Uint8Array = NO_BYTES,
    ): Buffer => {
      const header = Buffer.alloc(24)
      header.writeUInt8(0x81, 0)
      header.writeUInt8(opcode, 1)
      header.writeUInt16BE(echo.length, 2)
      header.writeUInt8(extras.length, 4)
      header.writeUInt16BE(status, 6)
      header.writeUInt32BE(extras.length + echo.length + value.length, 8)
      input.copy(header, 12, 12, 16)
      header.writeBigUInt64BE(77n, 16)
      return Buffer.concat([header, Buffer.from(extras + echo, 'latin1'), value])
    }
    const found = (is: boolean, otherwise = 1): Buffer =>
      is ? answer(0) : answer(otherwise, '', '', Buffer.from('Not so.'))
    const respond = (): Buffer => {
      switch (opcode) {
        case 0x0c:
        case 0x0d: {
          const value = this.#get(key)
          if (value) return answer(0, '\0\0\0\0', key, value)
          return opcode === 0x0d ? NO_BYTES : answer(1, '', key)
        }
        case 0x0a:
          return answer(0)
        case 0x01:
          return found(this.#store('set', key, data) === 'stored')
        case 0x02:
          return found(this.#store('add', key, data) === 'stored', 2)
        case 0x0e:
          return found(this.#store('append', key, data) === 'stored', 5)
        case 0x04:
          return found(this.items.delete(key))
        case 0x05:
          this.#count(key, '1')
          return answer(0, '', '', Buffer.alloc(8))
        case 0x1c:
          return this.items.has(key) ? answer(0, '\0\0\0\0') : found(false)
        default:
          throw new Error(`no opcode: ${opcode}`)
      }
    }
    return { answer: respond(), length }
  }

  #get(key: string): Buffer | undefined {
    const stored = this.items.get(key)
    return stored && this.lie(key, stored)
  }

  #store(mode: 'set' | 'add' | 'append', key: string, data: Buffer): Stored {
    const before = this.items.get(key)
    if (mode === 'add' && before) return 'not stored'
    if (mode === 'append' && !before) return 'not stored'
    this.items.set(key, mode === 'append' ? Buffer.concat([before!, data]) : data)
    return 'stored'
  }

  /** Adds one, or stores the initial value. */
  #count(key: string, initial: string | undefined): string | undefined {
    const before = this.items.get(key)?.toString('latin1')
    const after = before === undefined ? initial : String(Number(before) + 1)
    if (after !== undefined) this.items.set(key, Buffer.from(after, 'latin1'))
    return after
  }
}

const NO_BYTES = Buffer.alloc(0)
