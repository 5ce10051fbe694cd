// Reads Prometheus' text form, strictly: a line that it doesn't know is an error. Knows no metric.

export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>()
  let current: { type: string; help: string; samples: Sample[] } | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, kind, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(about)) throw new Error(`${about} is told twice`)
      current = { type: '', help: rest, samples: [] }
      families.set(about, current)
    } else if (kind === 'TYPE') {
      if (current === undefined || families.get(about) !== current) throw new Error(line)
      current.type = rest
    } else {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (current === undefined || name === '') throw new Error(`no sample: ${line}`)
      current.samples.push({ name, labels: parseLabels(labels), value: Number(value) })
    }
  }
  return families
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
  )
}
