// The admin port of a server: gives it a client of the cache in this thread, what health depends on, and its token.
// Loaded for `--admin` alone.
import { readFileSync } from 'node:fs'
import { AdminServer } from '../admin/admin-server.ts'
import type { Formation } from '../admin/formation.ts'
import { type AdministeredServer, administeredNode } from './administered-node.ts'
import { formationNodes } from './formation-nodes.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'

export interface AdminService {
  /** Where it listens, in words. */
  readonly address: string
  /** Clients may come. */
  serving(): void
  /** Reads the file of `--admin-token-file` again; one that can't be used changes nothing. */
  reload(): void
  close(): void
}

/** A token that could be guessed is none. */
const MIN_TOKEN_LENGTH = 16

/** Resolves when it listens. @throws StartError when it can't. */
export async function openAdminService(
  server: AdministeredServer,
  log: Log,
): Promise<AdminService | undefined> {
  const { adminAddress, adminTokenFile } = server.settings
  if (adminAddress === undefined) return undefined
  const readToken = (): string | undefined =>
    adminTokenFile === undefined ? undefined : readTokenFile(adminTokenFile)
  let starting = true
  const node = administeredNode(server, () => starting)
  const token = readToken()
  const admin = new AdminServer(node, {
    address: adminAddress,
    token,
    formation: await formationOf(server.settings),
    report: {
      acted: (what) => log.info(what, 'admin action'),
      refused: (why) => log.warn(why, 'admin request without the token refused'),
      failed: (error) => log.error({ err: error }, 'an admin request failed'),
    },
  })
  const address = await admin.listen().catch((error: Error) => {
    const { host = '*', port } = adminAddress
    throw new StartError(
      `can't open the admin port (--admin ${host}:${port}): ${error.message}; give it another address`,
    )
  })
  log.info({ address }, 'admin port open')
  return {
    address,
    serving: () => {
      starting = false
    },
    reload: () => {
      try {
        admin.token = readToken()
      } catch (error) {
        log.error(error instanceof Error ? error.message : String(error))
      }
    },
    close: () => admin.close(),
  }
}

async function formationOf({ adminNodes }: Settings): Promise<Formation | undefined> {
  if (adminNodes === undefined) return undefined
  const { Formation } = await import('../admin/formation.ts')
  try {
    return await Formation.open((client) => formationNodes(adminNodes, client))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`the formation (--admin-nodes) can't be had: ${why}`)
  }
}

function readTokenFile(path: string): string {
  let token: string
  try {
    token = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`can't read the admin token (--admin-token-file ${path}): ${why}`)
  }
  if (token.length < MIN_TOKEN_LENGTH || /[^!-~]/.test(token)) {
    throw new StartError(
      `the admin token (--admin-token-file ${path}) must be a line of at least ${MIN_TOKEN_LENGTH} printable characters without spaces`,
    )
  }
  return token
}
