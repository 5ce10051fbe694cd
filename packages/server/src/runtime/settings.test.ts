import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from './settings.ts'

test('the defaults can not be changed by accident', () => {
  expect(Object.isFrozen(DEFAULT_SETTINGS)).toBe(true)
  expect(Object.isFrozen(DEFAULT_SETTINGS.tcpAddresses)).toBe(true)
})

test('settings can be sent to a thread', () => {
  expect(structuredClone(DEFAULT_SETTINGS)).toEqual(DEFAULT_SETTINGS)
})
