import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseError } from '../db/failures.ts'

/** A request was not begun: too many came before it, or took too long. */
export class CrowdedError extends DatabaseError {
  constructor(message: string) {
    super('POOL_EXHAUSTED', message)
    this.name = 'CrowdedError'
  }
}

/** As long as a call waits for a connection. */
export const WAIT_MS_MAX = 10_000

export interface Gather<Request, Answer> {
  /** Asks for what `key` names, and gives the answer to this request. */
  ask(key: string, request: Request): Promise<Answer>
  figures(): GatherFigures
}

/** What was sent since the start. */
export interface GatherFigures {
  readonly batches: number
  readonly requests: number
}

export interface GatherLimits {
  /** Requests in one batch. */
  readonly batchMax: number
  /** Requests that wait for one key; one more is refused. */
  readonly waitingMax: number
  /** How long a request waits to be sent. */
  readonly waitMsMax: number
}

interface Waiting<Request, Answer> {
  readonly request: Request
  readonly sinceMs: number
  /** Whose request the statements are sent for. */
  readonly inContext: <Result>(work: () => Result) => Result
  readonly resolve: (answer: Answer) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Group commit: one batch of a key is away at a time, and what arrives meanwhile is the next one, in order of arrival; nobody waits
 * for company. Keys do not wait for each other. `send` answers in order, one for each; what it throws is everybody's in its batch.
 * Throws a `CrowdedError` for a request that finds too many before it or is not sent in time.
 */
export function openGather<Request, Answer>(
  send: (requests: readonly Request[]) => Promise<readonly Answer[]>,
  { batchMax, waitingMax, waitMsMax }: GatherLimits,
  nowMs: () => number = () => performance.now(),
): Gather<Request, Answer> {
  /** Keys of which a batch is away. */
  const queues = new Map<string, Waiting<Request, Answer>[]>()
  const sent = { batches: 0, requests: 0 }

  async function sendAll(key: string, queue: Waiting<Request, Answer>[]): Promise<void> {
    while (queue.length > 0) {
      const batch = intime(queue.splice(0, batchMax))
      const [first] = batch
      if (first !== undefined) await first.inContext(() => sendBatch(batch))
    }
    queues.delete(key)
  }

  function intime(waiting: Waiting<Request, Answer>[]): Waiting<Request, Answer>[] {
    const earliestMs = nowMs() - waitMsMax
    return waiting.filter(({ sinceMs, reject }) => {
      if (sinceMs < earliestMs) reject(new CrowdedError(TOO_LATE))
      return sinceMs >= earliestMs
    })
  }

  async function sendBatch(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    sent.batches++
    sent.requests += batch.length
    try {
      const answers = await send(batch.map(({ request }) => request))
      if (answers.length !== batch.length) {
        throw new Error(`${batch.length} requests were sent together, and ${answers.length} answered`)
      }
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  const ask: Gather<Request, Answer>['ask'] = (key, request) =>
    new Promise((resolve, reject) => {
      const one = { request, sinceMs: nowMs(), inContext: AsyncLocalStorage.snapshot(), resolve, reject }
      const queue = queues.get(key)
      if (queue === undefined) {
        const own = [one]
        queues.set(key, own)
        void sendAll(key, own)
      } else if (queue.length < waitingMax) queue.push(one)
      else reject(new CrowdedError(TOO_MANY))
    })
  return { ask, figures: () => ({ ...sent }) }
}

const TOO_MANY = 'Too many wait for the same already.'
const TOO_LATE = 'Those who asked for the same before took too long.'
