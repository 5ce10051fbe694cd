// What nodes write, each line behind the time and the node's name, as foreman shows it. Knows text alone.
const COLORS = [36, 33, 32, 35, 34, 31]
const NAME_WIDTH = 8

/** Node by node in a color of its own, if there are to be any; undefined is the formation itself. */
export function prefixed(
  node: string | undefined,
  line: string,
  { colored, time = new Date() }: { readonly colored: boolean; readonly time?: Date },
): string {
  const name = (node ?? 'up').padEnd(NAME_WIDTH)
  const head = `${clockTime(time)} ${name}| `
  if (!colored || node === undefined) return `${head}${line}\n`
  const number = Number(/\d+$/.exec(node)?.[0] ?? 0)
  return `\x1b[${COLORS[number % COLORS.length]}m${head}\x1b[0m${line}\n`
}

function clockTime(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
