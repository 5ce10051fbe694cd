// Control groups that an engine made for its containers and left behind, because no systemd is above it that would take them away.
import { spawnSync } from 'node:child_process'

/** In every hierarchy, with those below; one with a process in it stays. */
export function removeControlGroups(...names: readonly string[]): void {
  for (const name of names) {
    const script = `find /sys/fs/cgroup/${name} /sys/fs/cgroup/*/${name} -depth -type d -exec rmdir {} ';'`
    spawnSync('sh', ['-c', script], { stdio: 'ignore' })
  }
}
