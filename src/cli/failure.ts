/** An error that a command explains by itself: its message says what to do, a stack would only hide that. */
export class CommandError extends Error {
  readonly code = 'COMMAND_FAILED'
}

/** Errors of ours, with a code and a message for people; everything else is a bug and shows its stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const named = 'code' in error && typeof error.code === 'string'
  return named ? error.message : (error.stack ?? error.message)
}
