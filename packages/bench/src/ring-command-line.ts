// The flags of `memshard-bench ring`, and the plan they make.
// Runs nothing and prints nothing.
import { Command } from 'commander'
import { placeOf } from './report/page.ts'

export interface RingPlan {
  /** True: print markdown instead of text. A path: write it there, too. */
  readonly markdown: string | true | undefined
}

export function defineRingCommand(): Command {
  return new Command('memshard-bench ring')
    .description(
      "Measures what it costs our client to find a key's node, for each way to place keys.",
    )
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .option(
      '--markdown [file]',
      `print markdown; or write it there, between ${placeOf('ring').begin} and its end where the file has them`,
    )
}

export function toRingPlan(flags: { readonly markdown?: string | true }): RingPlan {
  return { markdown: flags.markdown }
}
