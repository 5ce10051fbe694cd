// Whether network namespaces can be made here, and how a program is run in some of its own, which end with it. Knows the
// system's tools; not what runs there.
import { execFileSync } from 'node:child_process'

const UNSHARE = ['--net', '--mount', '--pid', '--mount-proc', '--fork', '--kill-child'] as const

/** The command line for a compiled module. */
export function inNamespaces(
  program: string,
  args: readonly string[],
): readonly [file: string, args: readonly string[]] {
  return commandInNamespaces(process.execPath, [program, ...args])
}

/** The command line for any program. */
export function commandInNamespaces(
  file: string,
  args: readonly string[],
): readonly [file: string, args: readonly string[]] {
  return ['unshare', [...UNSHARE, file, ...args]]
}

/** Why it can't be done here, or undefined. */
export function missingNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'namespaces are Linux’s'
  try {
    execFileSync('unshare', [...UNSHARE, 'ip', 'link'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'namespaces can’t be made here: that needs root, unshare and ip'
  }
}
