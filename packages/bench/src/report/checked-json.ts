// Reads a value that came out of a file as the type it should have, and says where it is another one.
// Knows no particular record.

/** Gives back what it was given, as a T; throws a {@link WrongShape} where it is none. */
export type Reader<T> = (value: unknown, path: string) => T

export class WrongShape extends Error {
  constructor(path: string, expected: string) {
    super(`${path} is not ${expected}`)
    this.name = 'WrongShape'
  }
}

export const readText: Reader<string> = (value, path) => {
  if (typeof value !== 'string') throw new WrongShape(path, 'a text')
  return value
}

export const readNumber: Reader<number> = (value, path) => {
  if (typeof value !== 'number') throw new WrongShape(path, 'a number')
  return value
}

export const readFlag: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new WrongShape(path, 'true or false')
  return value
}

export function readConstant<T extends string>(constant: T): Reader<T> {
  return (value, path) => {
    if (value !== constant) throw new WrongShape(path, JSON.stringify(constant))
    return constant
  }
}

/** It may be absent. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, path) => (value === undefined ? undefined : reader(value, path))
}

export function orNull<T>(reader: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : reader(value, path))
}

export function listOf<T>(reader: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new WrongShape(path, 'a list')
    return value.map((entry: unknown, index) => reader(entry, `${path}[${index}]`))
  }
}

/** The fields that are named; others, of a later version, are left out. */
export function record<T>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new WrongShape(path, 'a record')
    }
    const read: Partial<T> = {}
    for (const name in fields) {
      read[name] = fields[name]((value as Record<string, unknown>)[name], `${path}.${name}`)
    }
    return read as T
  }
}
