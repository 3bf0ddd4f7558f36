import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS, networkOf, openAdmission, withoutPort } from '../../src/api/admission.ts'
import { placesOf } from '../support/limits.ts'

const NONE = { ...LIMITS, perSecond: 0 }

/** What is sent without a body. */
const NO_BODY = false

describe('admission', () => {
  it('lets in as many as there is room for, and the next one when somebody leaves', () => {
    const { enter } = openAdmission({ ...NONE, ...placesOf({ buyers: 2 }) })
    const first = enter('buyers')
    assert.ok(first.admitted && enter('buyers').admitted)
    assert.deepEqual(enter('buyers'), { admitted: false, code: 'SERVER_BUSY' })
    first.leave()
    assert.ok(enter('buyers').admitted)
    assert.ok(!enter('buyers').admitted)
  })

  it('keeps room for gates, webhooks and health checks that buyers cannot take', () => {
    const { enter } = openAdmission({ ...NONE, places: { buyers: 0, gates: 1, webhooks: 1, health: 1 } })
    assert.ok(!enter('buyers').admitted)
    assert.ok(enter('gates').admitted)
    assert.ok(!enter('gates').admitted)
    assert.ok(enter('webhooks').admitted)
    assert.ok(!enter('webhooks').admitted)
    assert.ok(enter('health').admitted)
  })

  it('gives an address its burst, then so many a second, and no other address less', () => {
    let nowMs = 0
    const { arrive } = openAdmission({ ...LIMITS, perSecond: 10, burst: 3 }, () => nowMs)
    const tries = (address: string, count: number) =>
      Array.from({ length: count }, () => arrive('buyers', address, NO_BODY).admitted).filter(Boolean).length
    assert.equal(tries('203.0.113.1', 5), 3)
    assert.deepEqual(arrive('buyers', '203.0.113.1', NO_BODY), { admitted: false, code: 'TOO_MANY_REQUESTS' })
    assert.equal(tries('203.0.113.2', 5), 3)
    nowMs = 200
    assert.equal(tries('203.0.113.1', 5), 2)
    nowMs = 60_000
    assert.equal(tries('203.0.113.1', 5), 3)
  })

  it('counts buyers and gates of one address apart, and gives gates ten times as many: a venue has one address', () => {
    let nowMs = 0
    const { arrive } = openAdmission({ ...LIMITS, perSecond: 1, burst: 2 }, () => nowMs)
    const tries = (lane: 'buyers' | 'gates') =>
      Array.from({ length: 30 }, () => arrive(lane, '203.0.113.1', NO_BODY).admitted).filter(Boolean).length
    assert.deepEqual([tries('buyers'), tries('gates')], [2, 20])
    nowMs = 1000
    assert.deepEqual([tries('buyers'), tries('gates')], [1, 10])
  })

  it('limits no client of this machine unless told to, and no webhook', () => {
    const strict = { ...LIMITS, perSecond: 1, burst: 1 }
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
      const { arrive } = openAdmission(strict, () => 0)
      assert.ok(
        arrive('buyers', address, NO_BODY).admitted && arrive('buyers', address, NO_BODY).admitted,
        address,
      )
      const { arrive: told } = openAdmission({ ...strict, limitLoopback: true }, () => 0)
      assert.deepEqual(
        [told('buyers', address, NO_BODY).admitted, told('buyers', address, NO_BODY).admitted],
        [true, false],
      )
    }
    const { arrive } = openAdmission(strict, () => 0)
    assert.ok(
      arrive('webhooks', '203.0.113.1', NO_BODY).admitted &&
        arrive('webhooks', '203.0.113.1', NO_BODY).admitted,
    )
  })

  it('forgets the address that was not seen for longest, so that memory is bounded', () => {
    const { arrive } = openAdmission({ ...LIMITS, perSecond: 1, burst: 1 }, () => 0)
    assert.ok(arrive('buyers', 'first', NO_BODY).admitted)
    assert.ok(!arrive('buyers', 'first', NO_BODY).admitted)
    for (let n = 0; n < 19_999; n++) arrive('buyers', `address ${n}`, NO_BODY)
    assert.ok(!arrive('buyers', 'first', NO_BODY).admitted)
    for (let n = 0; n < 20_000; n++) arrive('buyers', `another ${n}`, NO_BODY)
    assert.ok(arrive('buyers', 'first', NO_BODY).admitted)
  })

  it('lets so many bodies of an address be on their way, whatever the lane, and one more when one is here', () => {
    const { arrive } = openAdmission({ ...NONE, arrivingPerAddress: 2 })
    const first = arrive('buyers', '203.0.113.1', true)
    assert.ok(first.admitted && arrive('webhooks', '203.0.113.1', true).admitted)
    assert.deepEqual(arrive('webhooks', '203.0.113.1', true), { admitted: false, code: 'TOO_MANY_REQUESTS' })
    assert.ok(arrive('webhooks', '203.0.113.1', NO_BODY).admitted)
    assert.ok(arrive('webhooks', '203.0.113.2', true).admitted)
    first.leave()
    assert.ok(arrive('buyers', '203.0.113.1', true).admitted)
    for (const address of ['127.0.0.1', undefined]) {
      const all = Array.from({ length: 5 }, () => arrive('buyers', address, true).admitted)
      assert.deepEqual(all, Array(5).fill(true))
    }
  })

  it('bounds the bodies on their way in each lane, apart from the others', () => {
    const { arrive } = openAdmission({ ...NONE, arrivingMax: 1 })
    const first = arrive('buyers', undefined, true)
    assert.ok(first.admitted)
    assert.deepEqual(arrive('buyers', undefined, true), { admitted: false, code: 'SERVER_BUSY' })
    assert.ok(arrive('webhooks', undefined, true).admitted)
    first.leave()
    assert.ok(arrive('buyers', undefined, true).admitted)
  })

  const named: readonly (readonly [named: string, address: string])[] = [
    ['203.0.113.7:5678', '203.0.113.7'],
    ['203.0.113.7', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:203.0.113.7', '::ffff:203.0.113.7'],
  ]
  for (const [name, address] of named) {
    it(`takes a proxy's ${name} for ${address}`, () => assert.equal(withoutPort(name), address))
  }

  const networks: readonly (readonly [address: string, network: string])[] = [
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ]
  for (const [address, network] of networks) {
    it(`counts ${address} as ${network}`, () => assert.equal(networkOf(address), network))
  }
})
