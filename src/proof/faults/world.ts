import type { Client } from 'pg'
import type { Random } from '../../core/random.ts'
import type { Answer } from '../history/outcome.ts'
import type { Recorder } from '../history/recorder.ts'
import type { StandInAddress } from '../stand-in.ts'

/** The setting of a chaos run: a server that is killed, a stand-in of Stripe that is not, and the database. */
export interface ChaosWorld {
  readonly client: Client
  /** Starts a server, or starts it again; it must be found by the stand-in's webhooks. */
  readonly startServer: () => Promise<MortalServer>
  readonly standIn: FastStandIn
  /** JWT of a manager of the fixture's business. */
  readonly staffToken: (userId: string) => Promise<string>
  readonly signal: AbortSignal
}

export interface MortalServer {
  readonly url: string
  /** SIGKILL: requests in flight are lost. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface FastStandIn extends StandInAddress {
  /** How many times faster than Stripe its sessions live and die. */
  readonly timeScale: number
}

/** Counters of what happened, by name. */
export type Counts = Map<string, number>

/** Prefix of counters for answers that must not be given. */
export const UNEXPECTED = 'unexpected '

export function count(counts: Counts, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

/** Weighted random choice. */
export function pick<T>(random: Random, choices: readonly (readonly [weight: number, choice: T])[]): T {
  let at = random.below(choices.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, choice] of choices) {
    at -= weight
    if (at < 0) return choice
  }
  throw new Error('the weights are all zero')
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

type PostAnswer = { status: number; body: Record<string, unknown> } | undefined

/** The same, and the history has it. */
export async function postOperation(
  recorder: Recorder,
  process: string,
  operation: Pick<Answer, 'operation' | 'key' | 'asked'>,
  send: () => Promise<PostAnswer>,
): Promise<PostAnswer> {
  const call = recorder.now()
  const answer = await send()
  const { code, orderId } = answer?.body ?? {}
  recorder.record(process, {
    ...operation,
    answered: typeof orderId === 'string' ? { order: orderId } : {},
    call,
    return: recorder.now(),
    status: answer?.status ?? 0,
    code: typeof code === 'string' ? code : undefined,
  })
  return answer
}

/** Undefined when no answer came: the server was killed, or did not answer in time. */
export async function post(url: string, body: string, headers: Record<string, string>): Promise<PostAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} }
  } catch {
    return undefined
  }
}

const ANSWER_MS_MAX = 20_000
