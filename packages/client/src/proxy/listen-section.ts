// What the proxy's file says of where clients come, and of who may: addresses, certificates, users. Knows the entries
// and the files they name.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { type ListenConfiguration, parseListenAddress } from './listener.ts'
import { Logins } from './logins.ts'
import type { ListenTls } from './tls-entrance.ts'
import type { YamlEntry } from './yaml-section.ts'

const MIN_VERSIONS = { '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const
const WANTED = { required: 'required', optional: 'optional' } as const

/** An address, or a map with it and `tls`. Files are named relative to the directory. @throws ArgumentError */
export function listenFrom(entry: YamlEntry, directory: string): ListenConfiguration {
  if (!entry.isMap) {
    return { ...entry.checked(() => parseListenAddress(entry.text())), tls: undefined }
  }
  const section = entry.map()
  const where = section.need('address', 'say where clients come, as 127.0.0.1:11311')
  const address = where.checked(() => parseListenAddress(where.text()))
  const tls = section.get('tls')
  section.end()
  if (tls !== undefined && address.path !== '') {
    throw tls.wrong('is for TCP: a unix socket is not read on its way')
  }
  return { ...address, tls: tls && tlsFrom(tls, directory) }
}

/** @throws ArgumentError */
export function loginsFrom(entry: YamlEntry, directory: string): Logins {
  const text = fileNamed(entry, directory)
  return entry.checked(() => new Logins(text))
}

function tlsFrom(entry: YamlEntry, directory: string): ListenTls {
  const section = entry.map()
  const certFile = section.need('cert', 'the file of the certificate and its chain, in PEM')
  const keyFile = section.get('key') ?? certFile
  const caFile = section.get('ca')
  const clients = section.get('clientCertificates')
  const version = section.get('minVersion')
  section.end()
  if (clients !== undefined && caFile === undefined) {
    throw clients.wrong('needs ca, the file of the authority that has signed them')
  }
  const tls: ListenTls = {
    cert: fileNamed(certFile, directory),
    key: fileNamed(keyFile, directory),
    ca: caFile && fileNamed(caFile, directory),
    clientCertificates:
      caFile === undefined
        ? 'ignored'
        : clients === undefined
          ? 'required'
          : oneOf(clients, WANTED),
    minVersion: version === undefined ? 'TLSv1.2' : oneOf(version, MIN_VERSIONS),
  }
  // A key of another certificate, or one that needs a passphrase, say.
  try {
    createSecureContext(tls)
  } catch (cause) {
    throw entry.wrong(`can't be used: ${(cause as Error).message}`)
  }
  return tls
}

function oneOf<T>(entry: YamlEntry, choices: Readonly<Record<string, T>>): T {
  const text = entry.text()
  if (Object.hasOwn(choices, text)) return choices[text]!
  throw entry.wrong(`must be ${Object.keys(choices).join(' or ')}`)
}

function fileNamed(entry: YamlEntry, directory: string): string {
  try {
    return readFileSync(resolve(directory, entry.text()), 'utf8')
  } catch (cause) {
    throw entry.wrong(`can't be read: ${(cause as Error).message}`)
  }
}
