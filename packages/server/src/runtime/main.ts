// The program: from the command line to what it asks for, each loaded for it alone, because a start is as fast as
// what it loads is little. Knows nothing of serving.
import { tooFewAddresses } from './address-limit.ts'
import { parseCommandLine } from './command-line.ts'
import { isDaemon } from './daemon-process.ts'
import { exposureWarning } from './exposure.ts'
import { onStderr } from './journal.ts'
import { createLog } from './log.ts'
import { launchThreads, threadCount, threadsExpected } from './worker-threads.ts'

/** As memcached exits when the system refuses it something. */
const EX_OSERR = 71

export async function main(argv: readonly string[]): Promise<void> {
  const command = parseCommandLine(argv, process.env)
  if (command.kind === 'print') {
    process.stdout.write(command.text)
  } else if (command.kind === 'refuse') {
    process.stderr.write(onStderr(command.message))
    process.exitCode = command.exitCode
  } else if (command.kind === 'check') {
    const { checkHealth } = await import('./healthcheck.ts')
    const { well, reason } = await checkHealth(command.settings)
    process[well ? 'stdout' : 'stderr'].write(`${reason}\n`)
    process.exitCode = well ? 0 : 1
  } else if (command.settings.daemonize && !isDaemon()) {
    const { startDaemon } = await import('./daemon.ts')
    process.exitCode = await startDaemon(argv)
  } else {
    // A daemon keeps no directory busy, unless a core file is to be left in it.
    if (isDaemon() && !command.settings.coreDumpsEnabled) process.chdir('/')
    const { settings, warnings } = command
    const refused = tooFewAddresses(threadCount(settings), settings.memoryLimitBytes)
    if (refused !== undefined) {
      process.stderr.write(`${refused}\n`)
      process.exitCode = EX_OSERR
      return
    }
    const threads = launchThreads(settings, threadsExpected(settings))
    const { serve } = await import('./serve.ts')
    const log = createLog(settings)
    for (const warning of warnings) log.warn(warning)
    const exposed = exposureWarning(settings)
    if (exposed !== undefined) log.warn(exposed)
    await serve(settings, log, threads)
  }
}
