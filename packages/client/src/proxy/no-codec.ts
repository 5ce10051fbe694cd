// The codec of calls whose values are passed on as they are.
import type { Codec } from '../codec/codec.ts'

export const NO_CODEC: Codec<unknown> = {
  encode: () => ({ data: '', flags: 0 }),
  decode: () => undefined,
}
