/** Why an adapter or its system could not be used. The message is for people and says what to do. */
export type TargetFailure =
  | 'ADAPTER_NOT_FOUND'
  | 'ADAPTER_UNREADABLE'
  | 'ADAPTER_INCOMPLETE'
  | 'ADAPTER_FAILED'
  | 'ADAPTER_TIMED_OUT'
  | 'ADAPTER_ANSWER'
  | 'COMMAND_FAILED'
  | 'NO_DATABASE_URL'
  | 'FOREIGN_HOST'
  | 'TOO_MANY_REQUESTS'
  | 'UNREACHABLE'
  | 'NO_ANSWER'
  | 'NO_JSON'
  | 'FIRST_PURCHASE'

/** It has no cause: what an adapter threw is told in the message, and a stack of ours would hide it. */
export class TargetError extends Error {
  readonly code: TargetFailure
  constructor(code: TargetFailure, message: string) {
    super(`${code}: ${message}`)
    this.name = 'TargetError'
    this.code = code
  }
}

/** Where in a file of the adapter's it was thrown: `shop.ts:12`; empty where that is not known. */
export function placeOf(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const name = file.replace(/^.*[\\/]/, '')
  const line = stack.split('\n').find((it) => it.includes(`/${name}:`))
  const number = line?.slice(line.indexOf(`/${name}:`) + name.length + 2).match(/^\d+/)?.[0]
  return number === undefined ? '' : `${name}:${number}`
}

/** What was thrown, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, REASON_CHARACTERS_MAX)
}

const REASON_CHARACTERS_MAX = 300
