import assert from 'node:assert/strict'
import type fc from 'fast-check'
import { receive } from '../money.ts'
import { assertSame, type Real } from './real.ts'
import type { Order, Outcome, Sale, Ticket } from './sale.ts'

/** A call of a verb, made in the model and in PostgreSQL, where its answer and all rows of the sale are compared. */
export type Call = fc.AsyncCommand<Sale, Real>

/** Calls, and how often they are made beside others. */
export type Calls = readonly (readonly [weight: number, calls: fc.Arbitrary<Call>])[]

/** `run` answers the verb and what it answered, which is counted. */
export function call(
  name: string,
  run: (sale: Sale, real: Real) => Promise<string>,
  check: (sale: Readonly<Sale>) => boolean = () => true,
): Call {
  return {
    toString: () => name,
    check,
    run: async (sale, real) => {
      sale.now++
      const answer = await run(sale, real)
      await assertSame(sale, real)
      real.answers.set(answer, (real.answers.get(answer) ?? 0) + 1)
    },
  }
}

/** What a call can be about. */
export type Among<Thing> = (sale: Readonly<Sale>) => readonly Thing[]

/** A call about one of those that it can be about; without one it is not made. */
export function callOn<Thing>(
  name: string,
  at: number,
  among: Among<Thing>,
  run: (sale: Sale, real: Real, thing: Thing) => Promise<string>,
): Call {
  return call(
    `${name} ${at}`,
    async (sale, real) => {
      const things = among(sale)
      const thing = things[at % things.length]
      if (thing === undefined) throw new Error(`${name} has nothing to be about`)
      return run(sale, real, thing)
    },
    (sale) => among(sale).length > 0,
  )
}

/** Delivers an event of the provider for the first time. */
export async function deliver(
  verb: string,
  sale: Sale,
  real: Real,
  event: object,
  outcomeOf: () => Outcome,
): Promise<string> {
  const told = await receive(real.db.client, event)
  const expected = outcomeOf()
  real.delivered.push(event)
  sale.delivered.push(expected)
  assert.deepEqual(
    { success: told.success, duplicate: told.duplicate, outcome: told.outcome, reason: told.reason },
    { success: true, duplicate: false, outcome: expected.outcome, reason: expected.reason },
  )
  return [verb, expected.outcome, expected.reason].filter((part) => part !== undefined).join(' ')
}

export const ordersIn = ({ orders }: Readonly<Sale>): readonly Order[] => orders
export const paidFor = ({ orders }: Readonly<Sale>) => orders.filter(({ session }) => session !== undefined)
export const unpaidIn = (sale: Readonly<Sale>) => paidFor(sale).filter(({ tickets }) => tickets.length === 0)
export const issuedIn = ({ orders }: Readonly<Sale>) => orders.filter(({ tickets }) => tickets.length > 0)
export const ticketsIn = ({ orders }: Readonly<Sale>): readonly Ticket[] =>
  orders.flatMap(({ tickets }) => tickets)

/** The order as the provider and PostgreSQL know it. */
export function placed({ orders }: Real, { index }: Order) {
  const order = orders[index]
  if (order === undefined) throw new Error(`order ${index} is not placed`)
  return order
}

/** The id under which PostgreSQL has what the model has. */
export function idOf<Thing>(ids: ReadonlyMap<Thing, string>, thing: Thing): string {
  const id = ids.get(thing)
  if (id === undefined) throw new Error('it has no id')
  return id
}

/** Some tickets of an order by the bits of a number; undefined, for all of them, where that is none. */
export function someOf({ tickets }: Order, bits: number): readonly Ticket[] | undefined {
  const some = tickets.filter((_, at) => ((bits >> at) & 1) === 1)
  return some.length === 0 ? undefined : some
}
