// The flags of `memshard-bench report`, and the plan they make. Reads no report.
import { Command } from 'commander'

export interface ReportPlan {
  readonly files: readonly string[]
  readonly html: string | undefined
  readonly csv: string | undefined
}

export function defineReportCommand(): Command {
  return new Command('memshard-bench report')
    .description(
      'Shows runs that --json has kept, side by side: as text, and as a page with plots.',
    )
    .helpOption('-h, --help', 'print this help')
    .argument('<files...>', 'what `memshard-bench --json` printed')
    .option('--html <file>', 'write a page with plots, which opens offline')
    .option('--csv <file>', 'write a line for each interval')
}

export function toReportPlan(
  { html, csv }: { readonly html?: string; readonly csv?: string },
  files: readonly string[],
): ReportPlan {
  return { files, html, csv }
}
