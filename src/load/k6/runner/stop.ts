/** The exit codes of k6 that the built-in runner gives too. */
export const exitCodes = {
  thresholdsFailed: 99,
  setupTimeout: 100,
  teardownTimeout: 101,
  invalidConfig: 104,
  externalAbort: 105,
  scriptException: 107,
  scriptAborted: 108,
  markedAsFailed: 110,
  /** A promise of setup or teardown was rejected. */
  rejection: 255,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends the test run, with the exit code that k6 gives for the same reason. */
export class Stop extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Stop'
    this.exitCode = exitCode
  }
}

export function invalid(message: string): Stop {
  return new Stop(exitCodes.invalidConfig, message)
}

export type Refuse = (what: string, instead: string) => never

/** Refusal by name: a part of a script that was ignored would be a part that nobody tested. */
export function unsupported(what: string, instead: string): Stop {
  return invalid(`the built-in runner does not support ${what}: ${instead}, or run the script with k6`)
}

/** How k6 says that a promise was rejected, and that nobody looked. */
export const UNCAUGHT = 'Uncaught (in promise) '

/** The stack of an error of the script, or of whatever else it threw. */
export function describe(error: unknown): string {
  if (error instanceof Stop) return error.message
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}
