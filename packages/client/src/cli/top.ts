// `memshard top`: samples of every node, round after round, shown on the terminal or told once. Turns keys, signals and
// time into changes of the dashboard. Knows no statistic.
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeAddress } from '../node/address.ts'
import {
  afterAction,
  afterRound,
  type Dashboard,
  newDashboard,
  withOutcome,
} from '../top/dashboard.ts'
import { actionsOf } from '../top/keyboard.ts'
import { inColor, plain } from '../top/paint.ts'
import { reportDocument, reportLines } from '../top/report.ts'
import { NodeSampler } from '../top/sampler.ts'
import { screenLines } from '../top/screen.ts'
import { Terminal, type TerminalAccess } from '../top/terminal.ts'
import { columnsOf } from '../top/views.ts'
import type { Session } from './session.ts'
import { EXIT_DONE, EXIT_FAILURE } from './surroundings.ts'

export interface TopFlags {
  /** Seconds. */
  readonly interval: number
  readonly once: boolean
}

/** Resolves to the exit code; when told once, that of a failure if a node is down. */
export async function runTop(flags: TopFlags, session: Session): Promise<number> {
  const { client, nodes, clientOf, output, surroundings } = session
  const shares = client.shares()
  const samplers = nodes.map((node) => new NodeSampler(node.name, clientOf(node)))
  const first = newDashboard(
    nodes.map((node) => ({
      name: node.name,
      address: addressOf(node),
      share: shares.get(node.name) ?? 0,
    })),
  )
  const { terminal } = surroundings
  try {
    if (flags.once || output.json || terminal === undefined) {
      return await tellOnce(flags, session, samplers, first)
    }
    return await follow(flags, session, samplers, first, terminal)
  } finally {
    await Promise.all(samplers.map((sampler) => sampler[Symbol.asyncDispose]()))
  }
}

async function tellOnce(
  { interval }: TopFlags,
  { output, timeout, surroundings }: Session,
  samplers: readonly NodeSampler[],
  first: Dashboard,
): Promise<number> {
  let dashboard = first
  for (const isLast of [false, true]) {
    const begun = performance.now()
    await Promise.all(
      samplers.map(async (sampler) => {
        const outcome = await sampler.sample(timeout)
        dashboard = withOutcome(dashboard, sampler.name, outcome)
      }),
    )
    if (!isLast) await pause(interval * 1000 - (performance.now() - begun), surroundings.signal)
    if (surroundings.signal.aborted) return EXIT_DONE
  }
  if (output.json) await output.document(reportDocument(dashboard, interval))
  else for (const line of reportLines(dashboard)) await output.line(line)
  return dashboard.nodes.some(({ down }) => down !== undefined) ? EXIT_FAILURE : EXIT_DONE
}

async function follow(
  { interval }: TopFlags,
  { timeout, surroundings }: Session,
  samplers: readonly NodeSampler[],
  first: Dashboard,
  access: TerminalAccess,
): Promise<number> {
  const { env, stdin, out, signal } = surroundings
  const paint = env.NO_COLOR ? plain : inColor
  const quit = new AbortController()
  const ended = AbortSignal.any([signal, quit.signal])
  let dashboard = first
  const draw = (): void => terminal.show(screenLines(dashboard, terminal.size, paint))
  using terminal = new Terminal(access, stdin, out, (typed) => {
    for (const action of actionsOf(typed)) {
      if (action.do === 'quit') quit.abort()
      dashboard = afterAction(dashboard, action, columnsOf(dashboard.view).length)
    }
    draw()
  })
  access.onResize(draw)
  draw()
  // A node that says nothing must have been given up when the next round begins.
  const deadline = Math.min(timeout, Math.max(50, interval * 900))
  while (!ended.aborted) {
    const begun = performance.now()
    if (!dashboard.isPaused) {
      const round = samplers.map(async (sampler) => {
        const outcome = await sampler.sample(deadline)
        dashboard = withOutcome(dashboard, sampler.name, outcome)
        draw()
      })
      await Promise.race([Promise.all(round), aborted(ended)])
      dashboard = afterRound(dashboard)
      draw()
    }
    await pause(interval * 1000 - (performance.now() - begun), ended)
  }
  return EXIT_DONE
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Ends early when the user has had enough, which is no failure.
  await sleep(Math.max(0, milliseconds), undefined, { signal }).catch(() => {})
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function addressOf({ host, port, path }: NodeAddress): string {
  if (path !== '') return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
