// One value there and back after a login by SASL: memjs_sasl.js HOST:PORT USER PASSWORD
import memjs from 'memjs'

const [server, username, password] = process.argv.slice(2)
const client = memjs.Client.create(server, { username, password, retries: 0, timeout: 10 })
const value = 'v'.repeat(100_000)
await client.set('memjs', value, {})
const { value: back } = await client.get('memjs')
if (back?.toString() !== value) throw new Error('another value')
process.stdout.write('the same\n')
client.quit()
