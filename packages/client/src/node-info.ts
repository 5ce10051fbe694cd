// What is told of a node to those outside: not its connections, nor the secrets of its address.
import type { Node } from './node/node.ts'
import type { NodeInfo } from './options.ts'

export function infoOf(node: Node): NodeInfo {
  const { name, host, port, path, weight } = node.address
  return { name, host, port, path, weight, state: node.state, inflight: node.inflight }
}
