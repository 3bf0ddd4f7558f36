import type { Client } from 'pg'
import { randomFrom } from '../../../core/random.ts'
import { type Fixture, makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement, type VerbAnswer } from '../attack.ts'

const BUYERS = 8
const KEYS = 8
/** Less than the keys need: the last ones find it sold out, and the first ones ask again after that. */
const STOCK = 6

/**
 * Eight clients ask under one key at the same moment, some of them for more, key after key, until nothing is left; then each
 * key asks again. In turn it is free tickets, places in an offer, tickets that cost something, and a table.
 */
export async function repeatRequests(database: RunDatabase, seed: number): Promise<AttackResult> {
  const { client } = database
  const kinds = [
    orderOf(await makeFixture(client, 'concurrent-checkout', { stock: STOCK })),
    claimOf(await makeFixture(client, 'offer-rush', { places: STOCK })),
    orderOf(await makeFixture(client, 'ticketing-flow', { stock: STOCK })),
    bookingOf(await makeFixture(client, 'slot-rush', { covers: STOCK })),
  ]
  const attempts = countAttempts()
  const random = randomFrom(seed)
  const clients = await database.connect(BUYERS)
  const ask = async (buyer: Client, number: number, quantity: number): Promise<Call> => {
    const [sql, values] = kinds[number % kinds.length]?.(`key ${number}`, quantity) ?? ['', []]
    return { quantity, answer: await attempts.verb(buyer, `select ${sql} as answer`, values) }
  }
  const calls = new Map<number, readonly Call[]>()
  for (let number = 0; number < KEYS * kinds.length; number++) {
    const carts = clients.map(() => (random.below(4) === 0 ? 2 : 1))
    calls.set(number, await Promise.all(clients.map((buyer, at) => ask(buyer, number, carts[at] ?? 1))))
  }
  for (const [number, answers] of calls) {
    const quantity = winnerOf(answers)?.quantity ?? 1
    const again = await Promise.all(clients.map((buyer) => ask(buyer, number, quantity)))
    const wrong = contradictionIn([...answers, ...again])
    if (wrong !== undefined) attempts.addContradiction({ key: `key ${number}`, answers: wrong })
  }
  return attempts.result()
}

type Kind = (key: string, quantity: number) => Statement

function orderOf({ eventId, tierId }: Fixture): Kind {
  return (key, quantity) => [
    'ticketing.checkout($1)',
    [
      {
        event: eventId,
        items: [{ tier: tierId, quantity }],
        customer_name: 'Attack',
        customer_email: 'attack@example.org',
        idempotency_key: key,
        fingerprint: `${quantity} tickets`,
      },
    ],
  ]
}

function claimOf({ offerId }: Fixture): Kind {
  return (key, people) => ['ticketing.claim_offer_spots_atomically($1, $2, $3)', [offerId, people, key]]
}

function bookingOf({ businessId, slotDate }: Fixture): Kind {
  return (key, people) => [
    `ticketing.book_slot_atomically($1, $2, '21:30', $3, 'Attack', p_idempotency_key => $4)`,
    [businessId, slotDate, people, key],
  ]
}

interface Call {
  readonly quantity: number
  readonly answer: VerbAnswer | undefined
}

function winnerOf(calls: readonly Call[]): Call | undefined {
  return calls.find(({ answer }) => answer?.success)
}

/** One key, one thing made, of one request. A refusal is no contradiction: with a protection gone, a repeat may be refused. */
function contradictionIn(calls: readonly Call[]): readonly Call[] | undefined {
  const winner = winnerOf(calls)
  if (winner === undefined) return undefined
  const wrong = calls.find(
    ({ quantity, answer }) =>
      answer?.success === true && (madeIn(answer) !== madeIn(winner.answer) || quantity !== winner.quantity),
  )
  return wrong === undefined ? undefined : [winner, wrong]
}

function madeIn(answer: VerbAnswer | undefined): string | undefined {
  return answer?.order_id ?? answer?.claim_id ?? answer?.reservation_id
}
