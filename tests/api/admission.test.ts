import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS, networkOf, openAdmission } from '../../src/api/admission.ts'

const NONE = { ...LIMITS, perSecond: 0 }

describe('admission', () => {
  it('lets in as many as there is room for, and the next one when somebody leaves', () => {
    const admit = openAdmission({ ...NONE, requestsMax: 2 })
    const first = admit('buyers', undefined)
    assert.ok(first.admitted && admit('buyers', undefined).admitted)
    assert.deepEqual(admit('buyers', undefined), { admitted: false, code: 'SERVER_BUSY' })
    first.leave()
    assert.ok(admit('buyers', undefined).admitted)
    assert.ok(!admit('buyers', undefined).admitted)
  })

  it('keeps room for webhooks and health checks that buyers cannot take', () => {
    const admit = openAdmission({ ...NONE, requestsMax: 0, webhooksMax: 1, healthMax: 1 })
    assert.ok(!admit('buyers', undefined).admitted)
    assert.ok(admit('webhooks', undefined).admitted)
    assert.ok(!admit('webhooks', undefined).admitted)
    assert.ok(admit('health', undefined).admitted)
  })

  it('gives an address its burst, then so many a second, and no other address less', () => {
    let nowMs = 0
    const admit = openAdmission({ ...LIMITS, perSecond: 10, burst: 3 }, () => nowMs)
    const tries = (address: string, count: number) =>
      Array.from({ length: count }, () => admit('buyers', address).admitted).filter(Boolean).length
    assert.equal(tries('203.0.113.1', 5), 3)
    assert.deepEqual(admit('buyers', '203.0.113.1'), { admitted: false, code: 'TOO_MANY_REQUESTS' })
    assert.equal(tries('203.0.113.2', 5), 3)
    nowMs = 200
    assert.equal(tries('203.0.113.1', 5), 2)
    nowMs = 60_000
    assert.equal(tries('203.0.113.1', 5), 3)
  })

  it('limits no client of this machine unless told to, and no webhook', () => {
    const strict = { ...LIMITS, perSecond: 1, burst: 1 }
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
      const admit = openAdmission(strict, () => 0)
      assert.ok(admit('buyers', address).admitted && admit('buyers', address).admitted, address)
      const told = openAdmission({ ...strict, limitLoopback: true }, () => 0)
      assert.deepEqual([told('buyers', address).admitted, told('buyers', address).admitted], [true, false])
    }
    const admit = openAdmission(strict, () => 0)
    assert.ok(admit('webhooks', '203.0.113.1').admitted && admit('webhooks', '203.0.113.1').admitted)
  })

  it('forgets the address that was not seen for longest, so that memory is bounded', () => {
    const admit = openAdmission({ ...LIMITS, perSecond: 1, burst: 1, requestsMax: 1e6 }, () => 0)
    assert.ok(admit('buyers', 'first').admitted)
    assert.ok(!admit('buyers', 'first').admitted)
    for (let n = 0; n < 19_999; n++) admit('buyers', `address ${n}`)
    assert.ok(!admit('buyers', 'first').admitted)
    for (let n = 0; n < 20_000; n++) admit('buyers', `another ${n}`)
    assert.ok(admit('buyers', 'first').admitted)
  })

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
