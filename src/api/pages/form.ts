import { randomUUID } from 'node:crypto'
import { canonicalEmail } from '../../core/email.ts'
import { PERSON_NAME_LENGTH_MAX } from '../../core/limits.ts'
import type { EventView } from '../../desk/events.ts'
import type { Expected } from '../functions/purchase.ts'
import { type BuyForm, quantityField, SHOWN_CURRENCY, shownField } from './event-page.ts'

/** An empty form; `key` where an order of this browser still waits, so that the same cart is that order again. */
export function freshForm(key: string = randomUUID()): BuyForm {
  return { key, quantities: new Map(), name: '', email: '' }
}

/** The form as it was sent, and what a person can see to be wrong with it. */
export function readForm(body: string, event: EventView): BuyForm {
  const fields = new URLSearchParams(body)
  const text = (name: string) => (fields.get(name) ?? '').replaceAll('\0', '').trim()
  const key = text('key')
  const quantities = new Map(event.tiers.map(({ id }) => [id, text(quantityField(id))]))
  const form = {
    key: KEY.test(key) ? key : randomUUID(),
    quantities,
    shown: readShown(fields, event),
    name: text('name'),
    email: text('email'),
  }
  const wrong = new Map([...wrongQuantities(quantities), ...wrongPerson(form)])
  if (wrong.size > 0) return withProblem(form, 'Please look at the fields in red.', 400, wrong)
  return itemsOf(form).length === 0 ? withProblem(form, 'Choose how many tickets you want.', 400) : form
}

/** What the page showed: per tier its price, and the currency; undefined where a field is missing, and nothing is compared. */
function readShown(fields: URLSearchParams, event: EventView): BuyForm['shown'] {
  const currency = fields.get(SHOWN_CURRENCY)
  if (currency === null || !/^[A-Z]{3}$/.test(currency)) return undefined
  const prices = event.tiers.map(({ id }) => [id, fields.get(shownField(id)) ?? ''] as const)
  return { currency, prices: new Map(prices.filter(([, price]) => /^\d{1,15}$/.test(price))) }
}

/** What the cart cost on the page that was sent. */
export function expectedOf({
  quantities,
  shown,
}: Pick<BuyForm, 'quantities' | 'shown'>): Expected | undefined {
  if (shown === undefined) return undefined
  const lines = itemsOf({ quantities }).map(
    ({ tier, quantity }) => [shown.prices.get(tier), quantity] as const,
  )
  let totalCents = 0
  for (const [price, quantity] of lines) {
    if (price === undefined) return undefined
    totalCents += Number(price) * quantity
  }
  return { totalCents, currency: shown.currency }
}

/** What is wanted of which tier. */
export function itemsOf({ quantities }: Pick<BuyForm, 'quantities'>): { tier: string; quantity: number }[] {
  return [...quantities]
    .map(([tier, typed]) => ({ tier, quantity: Number(typed) }))
    .filter(({ quantity }) => quantity > 0)
}

/** The same form with what was wrong. */
export function withProblem(
  form: BuyForm,
  problem: string,
  status: number,
  wrong: ReadonlyMap<string, string> = new Map(),
): BuyForm {
  return { ...form, problem, status, wrong }
}

function wrongQuantities(quantities: ReadonlyMap<string, string>): [string, string][] {
  return [...quantities]
    .filter(([, typed]) => typed !== '' && !/^\d{1,4}$/.test(typed))
    .map(([tier]) => [quantityField(tier), 'Write a whole number.'])
}

function wrongPerson({ name, email }: Pick<BuyForm, 'name' | 'email'>): [string, string][] {
  const wrong: [string, string][] = []
  if (name.length < 1 || name.length > PERSON_NAME_LENGTH_MAX)
    wrong.push(['name', `Write a name of at most ${PERSON_NAME_LENGTH_MAX} letters.`])
  if (canonicalEmail(email) === undefined) wrong.push(['email', 'Write an address such as ada@example.org.'])
  return wrong
}

const KEY = /^[\da-f-]{36}$/
