import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openStandIn } from '../../src/payments/stand-in.ts'
import { cart, openScene, paidSession, refuses } from './stand-in-support.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stand-in-'))
})
after(() => rm(folder, { recursive: true }))

const HOUR = 3_600
const NOBODY = { webhookUrl: () => undefined }

test('everything survives a restart: objects, money, keys, events, the clock, and what was under way', async () => {
  const journal = join(folder, 'whole.jsonl')
  const made = await (async () => {
    await using scene = await openScene({ journal, ...NOBODY })
    const { sessions } = scene.stripe.checkout
    const key = { idempotencyKey: 'order-1' }
    const first = await sessions.create(cart(), key)
    await scene.pay(first, { card: '4242424242424242' })
    const debit = await sessions.create(cart())
    await scene.pay(debit, { method: 'bank_debit', outcome: 'succeeds', after_seconds: HOUR })
    const open = await sessions.create(cart())
    const { payment } = await paidSession(scene, '4000000000007726')
    const refund = await scene.stripe.refunds.create({ payment_intent: payment, amount: 1234 })
    await scene.control('clock', { advance_seconds: 60 })
    return { first, debit, open, refund, ledger: await scene.control('ledger') }
  })()

  await using scene = await openScene({ journal })
  const { sessions } = scene.stripe.checkout
  assert.deepEqual(await scene.control('ledger'), made.ledger)
  const replayed = await sessions.create(cart(), { idempotencyKey: 'order-1' })
  assert.deepEqual([replayed.id, replayed.status], [made.first.id, 'open'])
  await refuses(() => sessions.create(cart({ locale: 'el' }), { idempotencyKey: 'order-1' }), {
    type: 'StripeIdempotencyError',
  })
  assert.equal((await scene.delivered()).length, 7)
  assert.equal((await scene.control('clock', { advance_seconds: HOUR }))['ahead_seconds'], HOUR + 60)
  assert.equal((await sessions.retrieve(made.debit.id)).payment_status, 'paid')
  assert.equal((await scene.stripe.refunds.retrieve(made.refund.id)).status, 'succeeded')
  await scene.control('clock', { advance_seconds: 24 * HOUR })
  assert.equal((await sessions.retrieve(made.open.id)).status, 'expired')
})

test('a delivered event is not delivered again after a restart', async () => {
  const journal = join(folder, 'once.jsonl')
  const run = async () => {
    await using scene = await openScene({ journal })
    await paidSession(scene)
    await scene.delivered()
    return scene.events.length
  }
  assert.deepEqual([await run(), await run()], [2, 2])
})

test('a line that a crash tore is cut off, and writing goes on behind it', async () => {
  const journal = join(folder, 'torn.jsonl')
  const sessions = async () => {
    await using scene = await openScene({ journal, ...NOBODY })
    await scene.stripe.checkout.sessions.create(cart())
    return (await scene.stripe.checkout.sessions.list()).data.length
  }
  assert.equal(await sessions(), 1)
  await appendFile(journal, '{"is":"state","state":{"kind":"sess')
  assert.equal(await sessions(), 2)
  assert.equal(await sessions(), 3)
})

test('a journal that cannot be read is refused with its line', async () => {
  const journal = join(folder, 'strange.jsonl')
  await appendFile(journal, '{"is":"clock","offset":0}\nnot json\n')
  const options = { secretKey: 'sk_test_x', webhookSecret: 'whsec_x', publicUrl: () => '', journal }
  await assert.rejects(openStandIn(options), /Line 2 of the stand-in's journal .*Move the file away/)
})

const FORGERIES: readonly (readonly [string, (journal: string) => string, RegExp])[] = [
  ['a refund that is not booked', forgeRefunded, /the charge says refunded 1, booked 0/],
  ['money that no object knows', forgeMovement, /booked 5001/],
  ['a session that asked for less', forgeAmount, /the session asked for 4999, booked 5000/],
]

for (const [what, forge, complaint] of FORGERIES) {
  test(`the ledger sees ${what}`, async () => {
    const journal = join(folder, `${what}.jsonl`)
    await (async () => {
      await using scene = await openScene({ journal })
      await paidSession(scene)
      assert.equal((await scene.control('ledger'))['agrees'], true)
    })()
    await appendFile(journal, forge(await readFile(journal, 'utf8')))
    await using scene = await openScene({ journal, ...NOBODY })
    const { agrees, disagreements } = await scene.control('ledger')
    assert.equal(agrees, false)
    assert.match(String(disagreements), complaint)
  })
}

function forgeRefunded(journal: string): string {
  return lineOf(journal, '"kind":"payment"').replace('"amount_refunded":0', '"amount_refunded":1')
}

function forgeMovement(journal: string): string {
  return lineOf(journal, '"is":"moved"').replace('"amount":5000', '"amount":1')
}

function forgeAmount(journal: string): string {
  return lineOf(journal, '"kind":"session"').replace('"amount":5000', '"amount":4999')
}

/** The last line with the words, with its break. */
function lineOf(journal: string, words: string): string {
  return `${journal.split('\n').findLast((line) => line.includes(words)) ?? ''}\n`
}
