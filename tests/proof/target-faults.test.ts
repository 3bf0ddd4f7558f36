import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Adapter } from '../../src/adapter/index.ts'
import { proofOf, type Stock, soundShop, verdictsOf } from './target-support.ts'

type Shop = Adapter<Stock, string>
const sound = soundShop()

test('a sound shop passes; nothing is shown of what it cannot be asked', async () => {
  const results = await proofOf(sound)
  assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
  const { 'acknowledged-is-durable': durable, ...others } = verdictsOf(results)
  assert.equal(durable, 'NOT SHOWN')
  assert.deepEqual([...new Set(Object.values(others))], ['PASS'])
})

/** What is wrong with the shop, the promise that it breaks, and what is said of it. */
const FAULTS: readonly (readonly [fault: string, change: Partial<Shop>, promise: string, said: RegExp])[] = [
  [
    'sells one more than there is',
    {
      open: async (call) => {
        const opened = await sound.open(call)
        if (opened.outcome === 'open' || call.item.orders.size + call.item.held.size > call.item.units)
          return opened
        call.item.held.add(call.buyer.key)
        return { outcome: 'open', cart: call.buyer.key }
      },
    },
    'never-oversold',
    /^5 units in 5 living orders, and there are 4: orders order-\S+ and order-\S+ both got the last unit$/,
  ],
  [
    'says yes and keeps no order',
    {
      commit: async (call) => {
        const answer = await sound.commit(call)
        if (call.buyer.index === 1 && call.item.units > 1) call.item.orders.delete(call.cart)
        return answer
      },
    },
    'answers-are-true',
    /have none: \S+@example.com was told order order-\S+, and it is not among the living$/,
  ],
  [
    'refuses with an order in its rows, which who asks again is given',
    {
      commit: async (call) => {
        const isKnown = call.item.orders.has(call.cart)
        const answer = await sound.commit(call)
        return isKnown || call.item.units === 1 ? answer : { outcome: 'refused', answer: '400 temp_failure' }
      },
      retry: { means: 'sameOrder', key: 'cart' },
    },
    'answers-are-true',
    /was told refused \(400 temp_failure\), and order order-\S+ stands$/,
  ],
  [
    'says "sold out" with an order in its rows',
    {
      commit: async (call) => {
        const answer = await sound.commit(call)
        return call.buyer.index === 1 && call.item.units > 1 ? { outcome: 'soldOut' } : answer
      },
    },
    'answers-are-true',
    /was told soldOut \(\), and order order-\S+ stands$/,
  ],
  [
    'counts a second click as a second sale',
    {
      commit: async (call) => {
        if (call.item.orders.has(call.cart) && call.item.orders.size + call.item.held.size < call.item.units)
          call.item.held.add(`lost-${call.cart}`)
        return sound.commit(call)
      },
    },
    'counter-agrees',
    /^the system believes \d of \d are left; its orders leave \d$/,
  ],
  [
    'makes a second order of a second click',
    {
      commit: async (call) => {
        const isKnown = call.item.orders.has(call.cart)
        const answer = await sound.commit(call)
        if (isKnown)
          call.item.orders.set(`twin-${call.cart}`, { id: `twin-${call.cart}`, buyer: call.buyer.email })
        return answer
      },
    },
    'same-request-same-answer',
    /orders of \d buyers: \S+ has order-\S+ and twin-\S+$/,
  ],
  [
    'does not give back what is cancelled',
    {
      cancel: async ({ item, cart }) => {
        item.orders.delete(cart)
        item.held.add(`lost-${cart}`)
      },
    },
    'never-undersold',
    /^1 cancelled, 0 sold again, then soldOut \(none left\)$/,
  ],
  [
    'sells nothing while a cart is open that was given up',
    { release: async () => {} },
    'never-undersold',
    /^1 given up, 0 of 1 others served/,
  ],
  [
    'gives an open cart’s unit to somebody else',
    {
      open: async ({ item, buyer }) =>
        item.orders.size >= item.units ? { outcome: 'soldOut' } : { outcome: 'open', cart: buyer.key },
      commit: async (call) => {
        if (call.item.orders.size < call.item.units) call.item.held.add(call.cart)
        const answer = await sound.commit(call)
        return answer.outcome === 'sold' ? answer : { outcome: 'soldOut' }
      },
    },
    'holds-hold',
    /^0 of 4 carts became orders; \S+ was told soldOut/,
  ],
  [
    'takes each event for another payment',
    {
      pay: async ({ item, order }) => {
        item.payments.push({ id: `payment-${item.payments.length}`, order })
      },
    },
    'paid-once-issued-once',
    /^6 payments for 2 orders: order order-\S+ has 3$/,
  ],
  [
    'issues one ticket to two orders',
    {
      truth: async (call) => {
        const truth = await sound.truth(call)
        return { ...truth, orders: truth.orders.map((order) => ({ ...order, tickets: ['A1'] })) }
      },
    },
    'paid-once-issued-once',
    /: A1 is there twice$/,
  ],
]

describe('of a shop that', () => {
  for (const [fault, change, promise, said] of FAULTS)
    test(`${fault}, the proof says so`, async () => {
      const results = await proofOf(soundShop(change))
      assert.equal(results.verdict, 'FAIL')
      assert.equal(verdictsOf(results)[promise], 'FAIL', JSON.stringify(verdictsOf(results)))
      const details = results.scenarios.flatMap(({ checks }) =>
        checks
          .filter((check) => check.verdict === 'FAIL' && check.promise === promise)
          .map(({ detail }) => detail),
      )
      assert.ok(
        details.some((detail) => said.test(detail)),
        details.join('\n'),
      )
    })
})

test('a refusal that the next try turns into an order is no lie: a card that is declined once', async () => {
  const declined = new Set<string>()
  const commit: Shop['commit'] = async (call) => {
    const isDeclined = call.item.units > 1 && call.buyer.index % 4 === 0 && !declined.has(call.cart)
    if (!isDeclined) return sound.commit(call)
    declined.add(call.cart)
    return { outcome: 'refused', answer: 'declined' }
  }
  const results = await proofOf(soundShop({ commit }), { scenario: 'rush' })
  assert.ok(declined.size > 0)
  assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
})

test('what a system that went away half-way did not answer is INCONCLUSIVE for every promise that it was to show', async () => {
  let prepared = 0
  const prepare: Shop['prepare'] = async (call) => {
    if (++prepared > 4) throw new Error('it is gone')
    return sound.prepare(call)
  }
  const verdicts = verdictsOf(await proofOf(soundShop({ prepare })))
  assert.deepEqual(
    [verdicts['never-oversold'], verdicts['answers-are-true']],
    ['INCONCLUSIVE', 'INCONCLUSIVE'],
  )
})

/** An adapter that would make a sound system look broken. */
const UNTRUE: readonly (readonly [string, Partial<Shop>, said: RegExp])[] = [
  [
    'heeds no `units`',
    { prepare: async (call) => sound.prepare({ ...call, units: 20 }) },
    /`prepare` was asked for something new with 1 unit, and before anybody bought `truth` sees 0 orders and 20 left\./,
  ],
  [
    'prepares what is sold already',
    {
      prepare: async (call) => {
        const item = await sound.prepare(call)
        item.orders.set('old', { id: 'old' })
        return item
      },
    },
    /before anybody bought `truth` sees 1 orders and 0 left\./,
  ],
  [
    'calls orders by two names',
    {
      truth: async (call) => ({
        orders: [...call.item.orders.values()].map((order) => ({ ...order, id: `B-${order.id}` })),
      }),
    },
    /`commit` names the order order-\S+, and `truth` the only one B-order-\S+: `order` of the one is `id` of the other/,
  ],
]

describe('before anything is judged an adapter is refused that', () => {
  for (const [what, change, said] of UNTRUE)
    test(what, async () => {
      await assert.rejects(proofOf(soundShop(change)), said)
    })
})

/** What an adapter does not say is not judged. */
const SILENCES: readonly (readonly [string, Partial<Shop>, promise: string, why: RegExp])[] = [
  [
    'a counter',
    { truth: async (call) => ({ orders: (await sound.truth(call)).orders }) },
    'counter-agrees',
    /`left`/,
  ],
  [
    'payments',
    {
      truth: async (call) => {
        const { payments: _, ...truth } = await sound.truth(call)
        return truth
      },
    },
    'paid-once-issued-once',
    /`payments`/,
  ],
  ['holds', { holds: 'none' }, 'holds-hold', /holds nothing/],
  ['commands', {}, 'acknowledged-is-durable', /`commands`/],
]

describe('of a shop whose adapter does not name', () => {
  for (const [what, change, promise, why] of SILENCES)
    test(`${what}, that promise is NOT SHOWN`, async () => {
      const results = await proofOf(soundShop(change))
      assert.equal(verdictsOf(results)[promise], 'NOT SHOWN')
      assert.match(results.target?.notShown.find(({ name }) => name === promise)?.why ?? '', why)
    })
})

/** An adapter that breaks in the middle shows nothing, neither that a promise holds nor that it does not. */
const BREAKS: readonly (readonly [string, Partial<Shop>, said: RegExp])[] = [
  [
    'calls every refusal by the same name',
    {
      open: async (call) => {
        const answer = await sound.open(call)
        return answer.outcome === 'soldOut' ? { outcome: 'refused', answer: '418' } : answer
      },
    },
    /it happened: buyers told that it is sold out \(0 times: buyers were told 5 × refused: 418, 3 × success\)/,
  ],
  [
    'cannot read an answer',
    {
      commit: async (call) => {
        if (call.buyer.index === 1) throw new TypeError('order is undefined')
        return sound.commit(call)
      },
    },
    /`commit` threw order is undefined/,
  ],
  [
    'gives what is no outcome',
    { commit: async (call) => (call.buyer.index === 1 ? ({ ok: true } as never) : sound.commit(call)) },
    /`commit` gave \{"ok":true\}, which has no `outcome`/,
  ],
  [
    'loses its rows',
    { truth: async (call) => (call.item.units > 1 ? ({ orders: 'many' } as never) : sound.truth(call)) },
    /`truth` must give \{ orders, payments\?, left\? \}, and in what it gave orders/,
  ],
  [
    'gives all orders one id',
    {
      truth: async (call) => ({
        orders: [...call.item.orders.values()].map((order) =>
          call.item.units > 1 ? { ...order, id: '7' } : order,
        ),
      }),
    },
    /`truth` gives the order 7 more than once/,
  ],
  [
    'hangs',
    {
      callSecondsMax: 1,
      commit: async (call) => (call.item.units > 1 ? new Promise(() => {}) : sound.commit(call)),
    },
    /ADAPTER_TIMED_OUT/,
  ],
]

describe('an adapter that', () => {
  for (const [what, change, said] of BREAKS)
    test(`${what} in the middle is INCONCLUSIVE`, async () => {
      const results = await proofOf(soundShop(change), { scenario: 'rush' })
      assert.equal(results.verdict, 'INCONCLUSIVE', results.reasons.join('\n'))
      assert.match(results.reasons.join('\n'), said)
    })

  test('cannot clean up leaves something behind, and says what', async () => {
    const results = await proofOf(soundShop({ cleanup: () => Promise.reject(new Error('no rights')) }), {
      scenario: 'rush',
    })
    assert.equal(results.verdict, 'PASS', results.reasons.join('\n'))
    assert.match(results.target?.leftBehind.join('\n') ?? '', /^admit-once-test\d+-rush-1: .*no rights/)
  })
})
