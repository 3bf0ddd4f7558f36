import { randomUUID } from 'node:crypto'
import type { Recorder } from '../history/recorder.ts'
import { type Counts, count, pause, post, postOperation, UNEXPECTED } from './world.ts'

/**
 * A witness outside of the database that it judges: what buyers were told, by the key of their request. What a database lost left no
 * row, so that no law can see it.
 */
export interface Witness {
  /** The order that each key was answered with first. */
  readonly told: Map<string, string>
  /** Keys that were not told of an order yet. */
  readonly open: Set<string>
  /** Keys that once got no answer, or one that says that nobody knows: it may have taken effect. */
  readonly doubtful: Set<string>
  /** Keys that were told two orders. */
  readonly changed: { readonly key: string; readonly first: string; readonly second: string | null }[]
}

/** Where free tickets are ordered. */
export interface Till {
  /** The server's address now: it changes when the server is started again. */
  readonly serverUrl: () => string
  readonly eventId: string
  readonly tier: string
  readonly recorder: Recorder
}

export function openWitness(): Witness {
  return { told: new Map(), open: new Set(), doubtful: new Set(), changed: [] }
}

/** Orders one ticket under this key and writes down what is said; the order, if there is one. */
export async function ask(
  { serverUrl, eventId, tier, recorder }: Till,
  witness: Witness,
  key: string,
  counts: Counts,
): Promise<string | undefined> {
  const body = {
    eventId,
    items: [{ tierId: tier, quantity: 1 }],
    customerName: 'Ada',
    customerEmail: emailOf(key),
  }
  const operation = { operation: 'checkout', key, asked: { event: eventId } } as const
  const answer = await postOperation(recorder, 'buyer', operation, () =>
    post(`${serverUrl()}/functions/v1/create-ticket-checkout`, JSON.stringify(body), {
      'idempotency-key': key,
    }),
  )
  const orderId = answer?.status === 200 ? answer.body['orderId'] : undefined
  if (answer === undefined) count(counts, 'checkout cut off')
  else if (answer.status === 200) count(counts, 'checkout: success')
  else if (answer.status === 503) count(counts, `checkout: ${answer.body['code']}`)
  else count(counts, `${UNEXPECTED}checkout: ${answer.status} ${answer.body['code']}`)
  if (typeof orderId === 'string') write(witness, key, orderId)
  else if (!witness.told.has(key)) witness.open.add(key)
  if (answer === undefined || DOUBTS.has(String(answer.body['code']))) witness.doubtful.add(key)
  return typeof orderId === 'string' ? orderId : undefined
}

/** What is answered where a call may have committed. */
const DOUBTS: ReadonlySet<string> = new Set(['COMMIT_UNCONFIRMED', 'DATABASE_TIMEOUT'])

function write(witness: Witness, key: string, orderId: string): void {
  const first = witness.told.get(key)
  if (first === undefined) witness.told.set(key, orderId)
  else if (first !== orderId) witness.changed.push({ key, first, second: orderId })
  witness.open.delete(key)
}

/** One buyer after another, each until told, under one key; whoever is not told when it is over stays unknown. */
export async function buyUntil(
  isOver: () => boolean,
  till: Till,
  witness: Witness,
  counts: Counts,
  onTold: (askedMs: number) => void = () => {},
): Promise<void> {
  while (!isOver()) {
    const key = randomUUID()
    for (let isTold = false; !isTold && !isOver(); ) {
      const askedMs = performance.now()
      isTold = (await ask(till, witness, key, counts)) !== undefined
      if (isTold) onTold(askedMs)
      else await pause(RETRY_MS)
    }
  }
}

/** Between two questions of one buyer. */
export const RETRY_MS = 100

const WITNESS_DOMAIN = 'witness.example.org'

/** By which an order is matched with its key, whatever the database keeps of keys. */
export function emailOf(key: string): string {
  return `${key}@${WITNESS_DOMAIN}`
}
