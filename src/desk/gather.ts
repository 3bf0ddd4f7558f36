import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseError, sqlErrorOf } from '../db/failures.ts'

/** A request was not begun: too many came before it, or took too long. */
export class CrowdedError extends DatabaseError {
  constructor(message: string) {
    super('POOL_EXHAUSTED', message)
    this.name = 'CrowdedError'
  }
}

/** Longer than the batch before may take: 8 s, and 2 s until it is known that its answer is lost. */
const WAIT_MS_MAX = 12_000

export interface Gather<Request> {
  /** Asks for what `key` names. Null: nothing was done, and the request is to be made alone. */
  ask(key: string, request: Request): Promise<string | null>
  figures(): GatherFigures
}

/** What was answered since the start, without what is to be made alone. */
export interface GatherFigures {
  readonly batches: number
  readonly requests: number
}

export interface GatherLimits<Request> {
  /** Requests in one batch. */
  readonly batchMax: number
  /** How many others' room in a batch a request takes; 1 by default. One alone always fits. */
  readonly weightOf?: (request: Request) => number
  /** Requests of one key that wait or are away; one more is refused. */
  readonly perKeyMax: number
  /** How long a request waits to be sent; 12 s by default. */
  readonly waitMsMax?: number
  /** Told the SQLSTATE that a batch was rolled back with. */
  readonly onRefusal?: (sqlState: string) => void
}

/** What the gathering says to those that gather for a tier. */
export type TierLimits = Pick<GatherLimits<never>, 'perKeyMax' | 'onRefusal'>

interface Queue<Request> {
  readonly waiting: Waiting<Request>[]
  away: number
}

interface Waiting<Request> {
  readonly request: Request
  readonly sinceMs: number
  /** Whose request the statements are sent for. */
  readonly inContext: <Result>(work: () => Result) => Result
  readonly resolve: (answer: string | null) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Group commit: one batch of a key is away at a time, and what arrives meanwhile is the next one, in order of arrival; nobody waits
 * for company. Keys do not wait for each other. `send` answers in order, one for each. What SQL raises is nobody's own: it rolled back
 * all, and each is to be made alone; anything else that `send` throws is everybody's in its batch. Throws a `CrowdedError` for a
 * request that finds too many before it or is not sent in time.
 */
export function openGather<Request>(
  send: (requests: readonly Request[]) => Promise<readonly (string | null)[]>,
  { batchMax, weightOf = () => 1, perKeyMax, waitMsMax = WAIT_MS_MAX, onRefusal }: GatherLimits<Request>,
  nowMs: () => number = () => performance.now(),
): Gather<Request> {
  /** Keys of which a batch is away, and those who wait for it. */
  const queues = new Map<string, Queue<Request>>()
  const sent = { batches: 0, requests: 0 }

  async function sendAll(key: string, queue: Queue<Request>): Promise<void> {
    while (queue.waiting.length > 0) {
      const weights = queue.waiting.map(({ request }) => weightOf(request))
      const batch = intime(queue.waiting.splice(0, fitting(weights, batchMax)), nowMs() - waitMsMax)
      queue.away = batch.length
      const [first] = batch
      if (first !== undefined) await first.inContext(() => sendBatch(batch))
    }
    queues.delete(key)
  }

  async function sendBatch(batch: readonly Waiting<Request>[]): Promise<void> {
    try {
      const answers = await send(batch.map(({ request }) => request))
      if (answers.length !== batch.length) {
        throw new Error(`${batch.length} requests were sent together, and ${answers.length} answered`)
      }
      const answered = answers.filter((answer) => answer !== null).length
      if (answered > 0) sent.batches++
      sent.requests += answered
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i] ?? null)
    } catch (error) {
      const ofSql = sqlErrorOf(error)
      if (ofSql !== undefined) onRefusal?.(ofSql.code)
      for (const { resolve, reject } of batch) ofSql === undefined ? reject(error) : resolve(null)
    }
  }

  const ask: Gather<Request>['ask'] = (key, request) =>
    new Promise((resolve, reject) => {
      const one = { request, sinceMs: nowMs(), inContext: AsyncLocalStorage.snapshot(), resolve, reject }
      const queue = queues.get(key)
      if (queue === undefined) {
        const own = { waiting: [one], away: 0 }
        queues.set(key, own)
        void sendAll(key, own)
      } else if (queue.waiting.length + queue.away < perKeyMax) queue.waiting.push(one)
      else reject(new CrowdedError(TOO_MANY))
    })
  return { ask, figures: () => ({ ...sent }) }
}

/** Refuses those who wait since before `earliestMs`. */
function intime<Request>(waiting: Waiting<Request>[], earliestMs: number): Waiting<Request>[] {
  return waiting.filter(({ sinceMs, reject }) => {
    if (sinceMs < earliestMs) reject(new CrowdedError(TOO_LATE))
    return sinceMs >= earliestMs
  })
}

/** How many of the first weights are at most so much together; one at least. */
function fitting(weights: readonly number[], max: number): number {
  let sum = 0
  const past = weights.findIndex((weight) => {
    sum += weight
    return sum > max
  })
  return past < 0 ? weights.length : Math.max(1, past)
}

const TOO_MANY = 'Too many wait for the same already.'
const TOO_LATE = 'Those who asked for the same before took too long.'
