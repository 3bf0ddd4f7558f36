import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import type { Buyer } from '../../adapter/index.ts'
import { type Commitment, committed, type Opening, opened } from './answers.ts'
import { type Caller, callAdapter, noteFault } from './call.ts'
import { reasonOf, TargetError } from './failure.ts'
import { openCookies } from './http.ts'
import type { Target } from './target.ts'

/** Somebody who buys, with a jar of cookies. */
export interface Shopper extends Caller {
  readonly buyer: Buyer
  /** Every answer, in the order in which it came. */
  readonly answers: Answer[]
  cart?: unknown
  /** From the buyer's start to the last answer. */
  ms: number
}

export interface Answer {
  readonly step: 'open' | 'commit'
  readonly outcome: Opening['outcome'] | 'sold'
  readonly answer: string
  readonly order?: string | undefined
  /** On the clock of `performance`. */
  readonly at: number
}

/** Buyer `index` of one item; the processes of the system share the buyers. */
export function shopper(target: Target, label: string, index: number): Shopper {
  const name = `${label}-${index}-${target.runId}`
  return {
    buyer: { index, email: `${name}@example.com`, key: uuidOf(name) },
    cookies: openCookies(),
    baseUrl: baseUrlOf(target, index),
    answers: [],
    ms: 0,
  }
}

export function baseUrlOf({ urls }: Target, index: number): string {
  return urls[index % urls.length] ?? ''
}

/** The same one for the same name, in the form of version 4. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** One purchase, from nothing to its last answer. */
export async function purchase(target: Target, item: unknown, who: Shopper): Promise<void> {
  const startedAt = performance.now()
  if (await openCart(target, item, who)) await commitCart(target, item, who)
  who.ms = performance.now() - startedAt
}

/** Opens a cart, more than once where the system is busy or gives no answer; false where there is none. */
export async function openCart(target: Target, item: unknown, who: Shopper): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    const answer = await askOpen(target, item, who)
    if (answer.outcome === 'open') return true
    if (answer.outcome === 'soldOut' || !asksAgain(target, who, answer, attempt)) return false
    await pause(target, attempt)
  }
}

/** Opens carts at the same moment, and gives those who have one. */
export async function openCarts(
  target: Target,
  item: unknown,
  shoppers: readonly Shopper[],
): Promise<readonly Shopper[]> {
  const opened = await Promise.all(shoppers.map((who) => openCart(target, item, who)))
  return shoppers.filter((_, at) => opened[at] === true)
}

/**
 * Commits until there is an answer that counts. What is not known is asked about only where that cannot become a second order. Of
 * those who were refused every other one asks once more; behind the others' refusals no order may stand.
 */
export async function commitCart(target: Target, item: unknown, who: Shopper): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await askCommit(target, item, who)
    if (answer.outcome === 'sold' || answer.outcome === 'soldOut') return
    if (answer.outcome === 'unknown' && !isSafeToRepeat(target)) return
    if (!asksAgain(target, who, answer, attempt)) return
    await pause(target, attempt)
  }
}

/** Silence is asked about twice: each may take as long as a call may. */
function asksAgain(target: Target, { buyer, answers }: Shopper, last: Answer, attempt: number): boolean {
  if (!mayAskAgain(target, attempt)) return false
  const times = answers.filter(({ step, outcome }) => step === last.step && outcome === last.outcome).length
  if (last.outcome === 'refused') return times <= 1 && buyer.index % 2 === 0
  return last.outcome === 'busy' || times <= 2
}

/** How often a busy system is asked again; a buyer would have gone. */
const REPEATS_MAX = 6
const PAUSE_MS = 100
const PAUSE_MS_MAX = 3_000

function mayAskAgain(target: Target, attempt: number): boolean {
  return attempt < REPEATS_MAX && patienceLeft(target) > 0
}

/** Exponential backoff with jitter; the last request of all is made when patience ends. */
async function pause(target: Target, attempt: number): Promise<void> {
  const ms = Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX) * (0.5 + Math.random())
  await delay(Math.min(ms, patienceLeft(target)), undefined, { signal: target.signal })
}

function patienceLeft({ patienceEndsAt = Number.POSITIVE_INFINITY }: Target): number {
  return Math.max(0, patienceEndsAt - performance.now())
}

export function isSafeToRepeat({ adapter: { retry } }: Target): boolean {
  return retry !== undefined && retry.means !== 'newOrder'
}

async function askOpen(target: Target, item: unknown, who: Shopper): Promise<Answer> {
  const [value, answer] = await ask(target, 'open', who, { item, buyer: who.buyer }, opened)
  if (value?.outcome === 'open') who.cart = value.cart
  return keep(who, { step: 'open', outcome: value?.outcome ?? outcomeOf(answer), answer })
}

/** One commit; `from` may be another process of the system than the buyer's own. */
export async function askCommit(
  target: Target,
  item: unknown,
  who: Shopper,
  from: string = who.baseUrl,
): Promise<Answer> {
  const input = { item, buyer: who.buyer, cart: who.cart }
  const [value, answer] = await ask<Commitment>(target, 'commit', { ...who, baseUrl: from }, input, committed)
  const order = value?.outcome === 'sold' ? value.order : undefined
  return keep(who, { step: 'commit', outcome: value?.outcome ?? outcomeOf(answer), answer, order })
}

/** Nothing came of a request that no server took. */
function outcomeOf(answer: string): 'busy' | 'unknown' {
  return answer === 'UNREACHABLE' ? 'busy' : 'unknown'
}

function keep(who: Shopper, answer: Omit<Answer, 'at'>): Answer {
  const kept = { ...answer, at: performance.now() }
  who.answers.push(kept)
  return kept
}

/** The value, and the answer as the report counts it; no value where none came that can be read. */
async function ask<Value extends Opening | Commitment>(
  target: Target,
  name: 'open' | 'commit',
  caller: Caller,
  input: object,
  shape: z.ZodType<Value>,
): Promise<readonly [Value | undefined, string]> {
  try {
    const { value, status } = await callAdapter(target, name, caller, input)
    const parsed = shape.safeParse(value)
    const said = parsed.success && 'answer' in parsed.data ? parsed.data.answer : undefined
    if (parsed.success) return [parsed.data, said ?? String(status ?? '')]
    const message = `\`${name}\` gave ${JSON.stringify(value)?.slice(0, 120)}, which ${parsed.error.issues[0]?.message}`
    throw noteFault(target, name, new TargetError('ADAPTER_ANSWER', message))
  } catch (error) {
    target.signal.throwIfAborted()
    const code = error instanceof TargetError ? error.code : 'ADAPTER_FAILED'
    if (code === 'NO_JSON') noteFault(target, name, error as TargetError)
    return [undefined, error instanceof TargetError ? code : reasonOf(error)]
  }
}

export function wasSold({ answers }: Pick<Shopper, 'answers'>): boolean {
  return answers.some(({ outcome }) => outcome === 'sold')
}

/** The order that the buyer was told. */
export function orderOf({ answers }: Pick<Shopper, 'answers'>): string | undefined {
  return answers.find(({ order }) => order !== undefined)?.order
}

/** What the buyer was told in the end. */
export function finalOf({ answers }: Pick<Shopper, 'answers'>): Answer | undefined {
  return answers.at(-1)
}
