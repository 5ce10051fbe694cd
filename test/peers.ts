// The programs that tests hold the server against, when this machine has them. Knows how to find out,
// and that in CI (env CI=true) a missing one is a failure and not a reason to skip.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'

// Debian's own interpreter, because that is the one for which python3-pylibmc is packaged.
export const PYTHON = '/usr/bin/python3'

/** Where test/install-peers puts it, which no distribution has. */
export const HELM = join(REPOSITORY, '.cache/helm/helm')

export const PEERS = {
  memcached: () => runs('memcached', '-V'),
  'memcached with TLS': () => runs('sh', '-c', 'memcached -h | grep -q enable-ssl'),
  saslpasswd2: () => exists('saslpasswd2'),
  'unshare and setpriv, as root': () =>
    runs('unshare', '--mount', '--pid', '--fork', 'setpriv', '--reuid', '11211', 'true'),
  debootstrap: () => process.getuid?.() === 0 && exists('debootstrap'),
  'systemd-nspawn': () => runs('systemd-nspawn', '--version'),
  'podman and runc': () => runs('podman', '--version') && runs('runc', '--version'),
  'systemd-analyze': () => runs('systemd-analyze', '--version'),
  'python3-seccomp': () => runs(PYTHON, '-c', 'import seccomp'),
  promtool: () => runs('promtool', '--version'),
  helm: () => runs(HELM, 'version'),
  python3: () => runs(PYTHON, '-c', ''),
  openssl: () => runs('openssl', 'version'),
  memccapable: () => exists('memccapable'),
  memcaslap: () => runs('memcaslap', '--version'),
  'libmemcached tools': () => runs('memcstat', '--version'),
  pylibmc: () => runs(PYTHON, '-c', 'import pylibmc'),
  pymemcache: () => runs(PYTHON, '-c', 'import pymemcache'),
  'php-memcached': () => runs('php', '-r', 'exit(extension_loaded("memcached") ? 0 : 1);'),
  twemproxy: () => runs('nutcracker', '-V'),
  dalli: () => runs('ruby', '-e', 'require "dalli"'),
  'IO::Socket::SSL': () => runs('perl', '-MIO::Socket::SSL', '-e', '1'),
  'Cache::Memcached::Fast': () => runs('perl', '-MCache::Memcached::Fast', '-e', '1'),
  etcd: () => runs('etcd', '--version'),
  prometheus: () => runs('prometheus', '--version') && runs('promtool', '--version'),
  foreman: () => runs('foreman', 'version'),
  chromium: () => runs('chromium', '--version'),
  'redis-server': () => runs('redis-server', '--version'),
  memjs: () => resolves('memjs'),
  'memcached (npm)': () => resolves('memcached'),
  'memcache-client': () => resolves('memcache-client'),
  'memcached source': () => runs('apt-get', '--version') && runs('dpkg-source', '--version'),
} as const

export type Peer = keyof typeof PEERS

/** Whether tests are asked for that take minutes and a system of their own (`pnpm deployments`), and in CI are not run. */
export const DEPLOYMENTS = process.env.DEPLOYMENTS === 'true'

/** Why tests with the peer must be skipped here; undefined if they can run. Throws in CI. */
export function missing(peer: Peer): string | undefined {
  if (PEERS[peer]()) return undefined
  const reason = `${peer} is not installed here`
  if (process.env.CI === 'true') throw new Error(`${reason}, and CI must not skip what needs it`)
  process.stderr.write(`skipping tests: ${reason}\n`)
  return reason
}

function runs(command: string, ...argv: string[]): boolean {
  return spawnSync(command, argv, { stdio: 'ignore' }).status === 0
}

function resolves(module: string): boolean {
  try {
    createRequire(import.meta.url).resolve(module)
    return true
  } catch {
    return false
  }
}

function exists(command: string): boolean {
  return spawnSync(command, ['-?'], { stdio: 'ignore' }).error === undefined
}
