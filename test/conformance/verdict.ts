// Judges what a test file of the suite did by what was expected of it. Knows the list of left-out.ts by its
// types only; it is told which one to go by.
import type { ChangedReply } from './left-out.ts'
import type { FileRun } from './suite.ts'
import type { FailedAssertion } from './tap.ts'

export interface Expectations {
  /** By file, why it runs no test. */
  readonly skipsItself: Readonly<Record<string, string>>
  readonly changedReplies: readonly ChangedReply[]
  /** Whether what is listed must be so, and not only may. */
  readonly exact: boolean
}

export interface Verdict {
  readonly file: string
  /** Assertions that the file makes. */
  readonly tests: number
  readonly passed: number
  /** Why a file that skips itself does: our reason, and its own words. */
  readonly leftOut: string | undefined
  /** The file's assertions that fail as listed. */
  readonly changed: readonly ChangedReply[]
  /** The reasons of assertions that the file itself skips. */
  readonly skipped: readonly string[]
  /** What should not be; the file is all right if there is nothing. */
  readonly problems: readonly string[]
}

/** What a run of a file comes to. */
export function judge(run: FileRun, expectations: Expectations): Verdict {
  const { file, tap } = run
  const problems: string[] = []
  const listed = expectations.changedReplies.filter((reply) => reply.file === file)

  const matched = new Map<ChangedReply, number>()
  for (const failure of tap.failed) {
    const reply = listed.find((reply) => isAbout(reply, failure))
    if (reply === undefined) problems.push(describe(failure))
    else matched.set(reply, (matched.get(reply) ?? 0) + 1)
  }
  for (const reply of listed) {
    const times = matched.get(reply) ?? 0
    if (times === (reply.times ?? 1) || !expectations.exact) continue
    problems.push(
      `line ${reply.line} is listed as failing ${reply.times ?? 1} time(s) and fails ${times}: ${reply.name}`,
    )
  }

  const reason = expectations.skipsItself[file]
  if (tap.skippedAll !== undefined && reason === undefined) {
    problems.push(`skips itself, which is not listed: ${tap.skippedAll}`)
  } else if (tap.skippedAll === undefined && reason !== undefined && expectations.exact) {
    problems.push(`is listed as skipping itself (${reason}), but does not`)
  }

  const ran = tap.passed + tap.failed.length + tap.skipped.length
  if (run.timedOut) problems.push('did not end in time')
  if (tap.bailedOut !== undefined) problems.push(`gave up: ${tap.bailedOut}`)
  if (tap.planned === undefined) problems.push('announced no number of assertions')
  else if (ran !== tap.planned) problems.push(`made ${ran} of ${tap.planned} assertions`)
  // Test::More exits with the number of failed assertions, 254 at most, or as the script died.
  if (!run.timedOut && run.exit !== Math.min(tap.failed.length, 254)) {
    problems.push(`exited with ${run.exit}`)
  }
  for (const command of run.leftRunning) problems.push(`left a process running: ${command}`)

  return {
    file,
    tests: tap.planned ?? ran,
    passed: tap.passed,
    leftOut: tap.skippedAll === undefined ? undefined : leftOut(reason, tap.skippedAll),
    changed: [...matched.keys()],
    skipped: tap.skipped,
    problems,
  }
}

function isAbout(reply: ChangedReply, failure: FailedAssertion): boolean {
  if (reply.name !== failure.name) return false
  // An assertion made by a function of the suite's library is reported there, not where it is called.
  const line = /^(?:.*\/)?t\/[^/]+\.t line (\d+)$/.exec(failure.place)?.[1]
  return line === undefined || Number(line) === reply.line
}

function describe({ number, name, place, diagnostics }: FailedAssertion): string {
  return `${number} - ${name} (${place})\n${diagnostics}`.trimEnd()
}

function leftOut(reason: string | undefined, words: string): string {
  return reason === undefined ? `"${words}"` : `${reason} ("${words}")`
}
