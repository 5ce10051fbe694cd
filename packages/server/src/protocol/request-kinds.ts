// The kinds of requests that are told apart where requests are counted and timed, by number. Knows names alone.

export const GET = 0
export const GETS = 1
export const GAT = 2
export const GATS = 3
export const SET = 4
export const ADD = 5
export const REPLACE = 6
export const APPEND = 7
export const PREPEND = 8
export const CAS = 9
export const DELETE = 10
export const INCR = 11
export const DECR = 12
export const TOUCH = 13
export const MG = 14
export const MS = 15
export const MD = 16
export const MA = 17
export const MN = 18
export const ME = 19
/** Whatever else is said: stats, version, logging in, errors. */
export const OTHER = 20

/** Their names, by number. */
export const REQUEST_KINDS = [
  'get',
  'gets',
  'gat',
  'gats',
  'set',
  'add',
  'replace',
  'append',
  'prepend',
  'cas',
  'delete',
  'incr',
  'decr',
  'touch',
  'mg',
  'ms',
  'md',
  'ma',
  'mn',
  'me',
  'other',
] as const
