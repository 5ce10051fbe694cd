// Numbers as a person reads them at a glance. Knows nothing of what they mean.

const NONE = '–'

/** `1,234`, `12.3 k`, `4.56 M`: three digits that say something. */
export function count(value: number | null | undefined): string {
  if (!isNumber(value)) return NONE
  const size = Math.abs(value)
  if (size >= 1e9) return `${digits(value / 1e9)} G`
  if (size >= 1e6) return `${digits(value / 1e6)} M`
  if (size >= 1e4) return `${digits(value / 1e3)} k`
  return size >= 100 || Number.isInteger(value)
    ? Math.round(value).toLocaleString('en-US')
    : digits(value)
}

/** All digits: `12,345,678`. */
export function exact(value: number | null | undefined): string {
  return isNumber(value) ? Math.round(value).toLocaleString('en-US') : NONE
}

/** `512 B`, `1.50 KiB`, `64 MiB`. */
export function bytes(value: number | null | undefined): string {
  if (!isNumber(value)) return NONE
  for (const [unit, size] of BYTE_UNITS) {
    if (Math.abs(value) >= size) return `${digits(value / size)} ${unit}`
  }
  return `${Math.round(value)} B`
}

const BYTE_UNITS = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const

export function percent(share: number | null | undefined): string {
  if (!isNumber(share)) return NONE
  const value = share * 100
  return `${value === 0 || value === 100 ? value : value.toFixed(value >= 99.95 ? 2 : 1)} %`
}

/** `830 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`, from microseconds. */
export function microseconds(value: number | null | undefined): string {
  if (!isNumber(value)) return NONE
  if (value >= 1e6) return `${digits(value / 1e6)} s`
  if (value >= 1e3) return `${digits(value / 1e3)} ms`
  if (value >= 1 || value === 0) return `${digits(value)} µs`
  return `${digits(value * 1e3)} ns`
}

/** `45 s`, `12 min`, `3 h 20 min`, `5 d 2 h`. */
export function duration(seconds: number | null | undefined): string {
  if (!isNumber(seconds)) return NONE
  const whole = Math.round(seconds)
  if (whole < 100) return `${whole} s`
  if (whole < 6_000) return `${Math.round(whole / 60)} min`
  const hours = Math.floor(whole / 3_600)
  if (hours < 48) return `${hours} h ${Math.round((whole % 3_600) / 60)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `14:03:07`, of milliseconds since 1970. */
export function clock(at: number, withSeconds = true): string {
  const date = new Date(at)
  const parts = [date.getHours(), date.getMinutes(), ...(withSeconds ? [date.getSeconds()] : [])]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

function digits(value: number): string {
  const size = Math.abs(value)
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)))
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
