import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS, openAdmission, openSpending } from '../../src/api/admission.ts'
import { type Arriving, openArrivals } from '../../src/api/arrivals.ts'
import type { Lane } from '../../src/core/capacity.ts'
import { placesOf } from '../support/limits.ts'

describe('admission', () => {
  it('lets in as many as there is room for, and the next one when somebody leaves', () => {
    const { enter } = openAdmission({ ...LIMITS, ...placesOf({ buyers: 2 }) })
    const first = enter('buyers')
    assert.ok(first.admitted && enter('buyers').admitted)
    assert.deepEqual(enter('buyers'), { admitted: false, code: 'SERVER_BUSY' })
    first.leave()
    assert.ok(enter('buyers').admitted)
    assert.ok(!enter('buyers').admitted)
  })

  it('keeps room for pages, gates, webhooks and health checks that buyers cannot take', () => {
    const one = { pages: 1, gates: 1, webhooks: 1, health: 1 }
    const { enter } = openAdmission({ ...LIMITS, ...placesOf({ buyers: 0, ...one }) })
    assert.ok(!enter('buyers').admitted)
    for (const lane of Object.keys(one) as Lane[]) {
      assert.deepEqual([enter(lane).admitted, enter(lane).admitted], [true, false], lane)
    }
  })

  it('gives an address its burst, then so many a second, and no other address less', () => {
    let nowMs = 0
    const spend = openSpending({ ...LIMITS, perSecond: 10, burst: 3 }, () => nowMs)
    const tries = (address: string, count: number) =>
      Array.from({ length: count }, () => spend('buyers', address)).filter(Boolean).length
    assert.equal(tries('203.0.113.1', 5), 3)
    assert.equal(tries('203.0.113.2', 5), 3)
    nowMs = 200
    assert.equal(tries('203.0.113.1', 5), 2)
    nowMs = 60_000
    assert.equal(tries('203.0.113.1', 5), 3)
  })

  it('counts buyers and gates of one address apart, and gives gates ten times as many: a venue has one address', () => {
    let nowMs = 0
    const spend = openSpending({ ...LIMITS, perSecond: 1, burst: 2 }, () => nowMs)
    const tries = (lane: Lane) =>
      Array.from({ length: 30 }, () => spend(lane, '203.0.113.1')).filter(Boolean).length
    assert.deepEqual([tries('buyers'), tries('pages'), tries('gates')], [2, 0, 20])
    nowMs = 1000
    assert.deepEqual([tries('pages'), tries('buyers'), tries('gates')], [1, 0, 10])
  })

  it('limits no program of this machine unless told to, and no webhook', () => {
    const strict = { ...LIMITS, perSecond: 1, burst: 1 }
    const own = { address: '127.0.0.1', isLocal: true, isForged: false }
    const { limitedOf, spend } = openAdmission(strict, () => 0)
    assert.equal(limitedOf(own), undefined)
    assert.equal(spend('buyers', undefined), true)
    assert.equal(spend('buyers', undefined), true)
    assert.equal(openAdmission({ ...strict, limitLoopback: true }).limitedOf(own), '127.0.0.1')
    assert.equal(limitedOf({ ...own, isLocal: false }), '127.0.0.1')
    assert.equal(spend('webhooks', '203.0.113.1'), true)
    assert.equal(spend('webhooks', '203.0.113.1'), true)
  })

  it('forgets the address that was not seen for longest, so that memory is bounded', () => {
    const spend = openSpending({ ...LIMITS, perSecond: 1, burst: 1 }, () => 0)
    assert.ok(spend('buyers', 'first'))
    assert.ok(!spend('buyers', 'first'))
    for (let n = 0; n < 19_999; n++) spend('buyers', `address ${n}`)
    assert.ok(!spend('buyers', 'first'))
    for (let n = 0; n < 20_000; n++) spend('buyers', `another ${n}`)
    assert.ok(spend('buyers', 'first'))
  })
})

const SMALL: Arriving = { lane: 'buyers', network: undefined, bytes: 10, isKnown: false }

/** Lets bodies arrive, each under a name, and tells which were evicted since. */
function arrivals(max: number, perAddress: number) {
  const arrive = openArrivals(max, perAddress)
  const gone: string[] = []
  return {
    arrive: (name: string, arriving: Partial<Arriving> = {}) => {
      const arrival = arrive({ ...SMALL, ...arriving })
      void arrival.evicted.then(() => gone.push(name))
      return arrival
    },
    evicted: async () => {
      await Promise.resolve()
      return gone.splice(0)
    },
  }
}

describe('bodies on their way', () => {
  it('make room for the next one: the one that is longest on its way goes, and none that is here', async () => {
    const { arrive, evicted } = arrivals(2, 9)
    const first = arrive('first')
    arrive('second')
    first.leave()
    arrive('third')
    assert.deepEqual(await evicted(), [])
    arrive('fourth')
    assert.deepEqual(await evicted(), ['second'])
    arrive('fifth')
    assert.deepEqual(await evicted(), ['third'])
  })

  it('of one lane take none from another, strangers none from who is known, large ones none from small', async () => {
    const { arrive, evicted } = arrivals(10, 99)
    arrive('webhook', { lane: 'webhooks' })
    arrive('of staff', { isKnown: true })
    arrive('small')
    for (let n = 0; n < 9; n++) arrive(`stranger ${n}`)
    for (let n = 0; n < 20; n++) arrive('large', { bytes: 64 * 1024 + 1 })
    for (let n = 0; n < 20; n++) arrive('of unknown length', { bytes: undefined })
    const gone = await evicted()
    assert.deepEqual([...new Set(gone)], ['large', 'of unknown length'])
    assert.equal(gone.length, 39)
  })

  it('of one address are a share, which it takes from itself', async () => {
    const { arrive, evicted } = arrivals(100, 2)
    const from = (name: string, network: string | undefined) => arrive(name, { network })
    from('other', '203.0.113.2')
    from('first', '203.0.113.1')
    from('second', '203.0.113.1')
    from('third', '203.0.113.1')
    assert.deepEqual(await evicted(), ['first'])
    for (let n = 0; n < 50; n++) from('of this machine', undefined)
    assert.deepEqual(await evicted(), [])
  })
})
