import type { Client } from 'pg'
import { makeFixture } from './fixtures.ts'
import { randomFrom } from './random.ts'
import { type Attack, openTally, type VerbAnswer } from './tally.ts'
import type { WorkDatabase } from './workbench.ts'

const BUYERS = 8
const KEYS = 8
/** Less than the keys need: the last ones find it sold out, and the first ones ask again after that. */
const STOCK = 6

/**
 * Eight clients order under one key at the same moment, some of them another cart, key after key, until it is sold out;
 * then each key asks again. Every other event costs something, so that both kinds of order are repeated.
 */
export async function repeatRequests(database: WorkDatabase, seed: number): Promise<Attack> {
  const events = [
    await makeFixture(database.client, 'concurrent-checkout', { stock: STOCK }),
    await makeFixture(database.client, 'ticketing-flow', { stock: STOCK }),
  ]
  const tally = openTally()
  const random = randomFrom(seed)
  const clients = await database.connect(BUYERS)
  const order = async (client: Client, number: number, quantity: number): Promise<Told> => {
    const event = events[number % events.length]
    const answer = await tally.verb(client, 'select ticketing.checkout($1) as answer', [
      {
        event: event?.eventId,
        items: [{ tier: event?.tierId, quantity }],
        customer_name: 'Attack',
        customer_email: 'attack@example.org',
        idempotency_key: `key ${number}`,
        fingerprint: `${quantity} tickets`,
      },
    ])
    return { quantity, answer }
  }
  const told = new Map<number, readonly Told[]>()
  for (let number = 0; number < KEYS * events.length; number++) {
    const carts = clients.map(() => (random.below(4) === 0 ? 2 : 1))
    told.set(number, await Promise.all(clients.map((client, at) => order(client, number, carts[at] ?? 1))))
  }
  for (const [number, answers] of told) {
    const again = await Promise.all(
      clients.map((client) => order(client, number, winnerOf(answers)?.quantity ?? 1)),
    )
    const wrong = contradictionIn([...answers, ...again])
    if (wrong !== undefined) tally.contradicts({ key: `key ${number}`, answers: wrong })
  }
  return tally.result()
}

interface Told {
  readonly quantity: number
  readonly answer: VerbAnswer | undefined
}

function winnerOf(told: readonly Told[]): Told | undefined {
  return told.find(({ answer }) => answer?.success)
}

/** One key, one order, one cart. A refusal is no contradiction: with a protection gone, a repeat may be refused. */
function contradictionIn(told: readonly Told[]): readonly Told[] | undefined {
  const winner = winnerOf(told)
  if (winner === undefined) return undefined
  const wrong = told.find(
    ({ quantity, answer }) =>
      answer?.success === true &&
      (answer.order_id !== winner.answer?.order_id || quantity !== winner.quantity),
  )
  return wrong === undefined ? undefined : [winner, wrong]
}
