// What tests of applications import: a real node inside their own process.
export { startTestNode, type TestNode } from './runtime/test-node.ts'
