// The package's public surface: the protocol engine and the cache, for those who embed a node in their
// own process, and the server as the executable starts it.

export { type CommandLine, parseCommandLine } from './runtime/command-line.ts'
export { createLog, type Log } from './runtime/log.ts'
export { type Server, startServer } from './runtime/server.ts'
export { DEFAULT_SETTINGS, type Settings } from './runtime/settings.ts'
export { StartError } from './runtime/start-error.ts'
