// Where npm's memcached and memjs put keys. argv: which of them; stdin: {"keys", "cases": [{"servers": [{"host", "port",
// "weight"}]}]}; stdout: for each case the index of each key's server. Asks the libraries only: no server need be there.
import { readFileSync } from 'node:fs'
import Memcached from 'memcached'
import { Client as Memjs } from 'memjs'

const { keys, cases } = JSON.parse(readFileSync(0, 'utf8'))
const addressOf = ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function placesOfMemcached(servers) {
  const addresses = servers.map(addressOf)
  const client = new Memcached(Object.fromEntries(servers.map((s) => [addressOf(s), s.weight])))
  return keys.map((key) => addresses.indexOf(client.HashRing.get(key)))
}

function placesOfMemjs(servers) {
  const client = Memjs.create(servers.map(addressOf).join(','))
  return keys.map((key) => client.getServer(key))
}

const placesOf = process.argv[2] === 'memjs' ? placesOfMemjs : placesOfMemcached
process.stdout.write(JSON.stringify(cases.map(({ servers }) => placesOf(servers))))
