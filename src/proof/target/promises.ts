import type { Check } from '../results.ts'

/** What a shop promises, whoever wrote it. */
export const PROMISES = {
  'never-oversold': 'Living orders never hold more units than there are.',
  'never-undersold': '"Sold out" is said only when it is true; what is cancelled or given up comes back.',
  'holds-hold': 'An open cart keeps its unit for as long as the system says.',
  'same-request-same-answer': 'A request that is sent twice makes one order.',
  'paid-once-issued-once': 'One order, one payment that stands, its tickets issued once.',
  'answers-are-true': 'Who was told yes has an order, and who was told no has none.',
  'counter-agrees': 'What the system believes is left is what its orders leave.',
  'acknowledged-is-durable': 'What was answered with success survives the death of the system.',
} as const

export type PromiseName = keyof typeof PROMISES

/** A check of one promise. */
export interface Judgement extends Check {
  readonly promise: PromiseName
}

/** What could not be judged, and why. */
export interface Unsaid {
  readonly promise: PromiseName
  readonly why: string
}

export interface Judged {
  readonly judgements: readonly Judgement[]
  readonly unsaid: readonly Unsaid[]
}

export function judged(...parts: readonly Judged[]): Judged {
  return {
    judgements: parts.flatMap(({ judgements }) => judgements),
    unsaid: parts.flatMap(({ unsaid }) => unsaid),
  }
}

export function judgement(
  promise: PromiseName,
  name: string,
  isKept: boolean,
  detail: string,
  witness?: unknown,
): Judged {
  const shown = isKept || witness === undefined ? {} : { witness }
  return { judgements: [{ promise, name, verdict: isKept ? 'PASS' : 'FAIL', detail, ...shown }], unsaid: [] }
}

export function unsaid(promise: PromiseName, why: string): Judged {
  return { judgements: [], unsaid: [{ promise, why }] }
}
