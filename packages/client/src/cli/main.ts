// The program `memshard`: reads the command line, opens the pool, runs the command, decides on the exit code.
import { CommanderError } from 'commander'
import { Client } from '../client.ts'
import { ArgumentError, KeyError, MemshardError, PartialError } from '../errors.ts'
import { type NodeAddress, parseNode } from '../node/address.ts'
import { type Chosen, chooseCommand } from './command-line.ts'
import { Output } from './output.ts'
import { tolerantCodec } from './session.ts'
import { EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, type Surroundings } from './surroundings.ts'

/** Resolves to the exit code; what a user can do wrong, or a node, is told on `err`, not thrown. */
export async function main(surroundings: Surroundings): Promise<number> {
  try {
    const chosen = chooseCommand(surroundings)
    if (chosen === undefined) return EXIT_DONE
    if ('program' in chosen) return await chosen.program(surroundings)
    return await runChosen(chosen, surroundings)
  } catch (error) {
    // commander has told what was wrong.
    if (error instanceof CommanderError) return EXIT_USAGE
    if (!(error instanceof MemshardError)) throw error
    for (const reason of reasons(error)) surroundings.err(`memshard: ${reason}\n`)
    return error instanceof ArgumentError || error instanceof KeyError ? EXIT_USAGE : EXIT_FAILURE
  }
}

async function runChosen(
  { run, options }: Exclude<Chosen, { readonly program: unknown }>,
  surroundings: Surroundings,
): Promise<number> {
  const { timeout } = options
  const nodes = options.servers
    .split(/[,\s]+/)
    .filter((spec) => spec !== '')
    .map((spec) => parseNode(spec))
  const clientOf = (...of: readonly NodeAddress[]): Client =>
    // A tool tells that a node is down; it does not go elsewhere.
    new Client({
      nodes: of,
      timeout,
      connectTimeout: timeout,
      codec: tolerantCodec,
      onNodeDown: 'error',
      // Who watches nodes wants to see at once that one is back.
      probe: { max: 1000 },
    })
  await using client = clientOf(...nodes)
  const output = new Output(surroundings, options.json)
  return await run({ client, nodes, clientOf, output, timeout, surroundings })
}

function reasons(error: MemshardError): string[] {
  if (!(error instanceof PartialError)) return [error.message]
  return [...error.failed].map(([what, { message }]) => `${what}: ${message}`)
}
