// Turns the command line into a plan, or into a sentence that says what is wrong with it.
// Runs nothing and prints nothing.
import { type Command, CommanderError } from 'commander'
import { type ClientsPlan, defineClientsCommand, toClientsPlan } from './clients-command-line.ts'
import { type CostPlan, defineCostCommand, toCostPlan } from './cost-command-line.ts'
import { BenchError } from './errors.ts'
import {
  defineHitRatioCommand,
  type HitRatioPlan,
  toHitRatioPlan,
} from './hitratio-command-line.ts'
import {
  defineReplayCommand,
  defineTraceCommand,
  type ReplayPlan,
  type TracePlan,
  toReplayPlan,
  toTracePlan,
} from './replay-command-line.ts'
import { defineReportCommand, type ReportPlan, toReportPlan } from './report-command-line.ts'
import { defineRingCommand, type RingPlan, toRingPlan } from './ring-command-line.ts'
import { defineMainCommand, type MainPlan, toMainPlan } from './run-command-line.ts'

export type Plan =
  | MainPlan
  | ({ readonly kind: 'cost' } & CostPlan)
  | ({ readonly kind: 'clients' } & ClientsPlan)
  | ({ readonly kind: 'ring' } & RingPlan)
  | ({ readonly kind: 'hitratio' } & HitRatioPlan)
  | ({ readonly kind: 'replay' } & ReplayPlan)
  | ({ readonly kind: 'trace' } & TracePlan)
  | ({ readonly kind: 'report' } & ReportPlan)
  /** Nothing to do but print: help, or the version. */
  | { readonly kind: 'print'; readonly text: string }

interface Subcommand {
  readonly name: string
  define(): Command
  plan(flags: object, operands: readonly string[]): Plan
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'cost',
    define: defineCostCommand,
    plan: (flags) => ({ kind: 'cost', ...toCostPlan(flags) }),
  },
  {
    name: 'clients',
    define: defineClientsCommand,
    plan: (flags) => ({ kind: 'clients', ...toClientsPlan(flags) }),
  },
  {
    name: 'ring',
    define: defineRingCommand,
    plan: (flags) => ({ kind: 'ring', ...toRingPlan(flags) }),
  },
  {
    name: 'hitratio',
    define: defineHitRatioCommand,
    plan: (flags) => ({ kind: 'hitratio', ...toHitRatioPlan(flags) }),
  },
  {
    name: 'replay',
    define: defineReplayCommand,
    plan: (flags, operands) => ({ kind: 'replay', ...toReplayPlan(flags, operands) }),
  },
  {
    name: 'trace',
    define: defineTraceCommand,
    plan: (flags, operands) => ({ kind: 'trace', ...toTracePlan(flags, operands) }),
  },
  {
    name: 'report',
    define: defineReportCommand,
    plan: (flags, operands) => ({ kind: 'report', ...toReportPlan(flags, operands) }),
  },
]

/** `argv` without node and script. Throws a BenchError with the code USAGE. */
export function parseCommandLine(argv: readonly string[], version: string): Plan {
  const printed: string[] = []
  const [name, ...rest] = argv
  const subcommand = SUBCOMMANDS.find((it) => it.name === name)
  const command = (subcommand?.define() ?? defineMainCommand(version))
    .exitOverride()
    .configureOutput({ writeOut: (text) => printed.push(text), writeErr: () => {} })
  try {
    command.parse(subcommand ? rest : argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'print', text: printed.join('') }
    throw new BenchError('USAGE', error.message.replace(/^error: /, ''))
  }
  return subcommand?.plan(command.opts(), command.args) ?? toMainPlan(command.opts())
}
