import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalAddress, clientFinder, networkOf } from '../../src/api/client-address.ts'

const PROXY = '10.0.0.7'
const OUTER = '198.51.100.9'

/** Whom a header names, sent by a proxy, and who the client is then. */
function named(header: string, value: string | undefined, peer = PROXY, trusted = ['private']) {
  return clientFinder({ header, trusted })(peer, (name) => (name === header ? value : undefined))
}

describe('who the client is', () => {
  it('by its own connection, where no proxy is expected, whatever headers say', () => {
    const find = clientFinder({ header: undefined, trusted: ['private'] })
    const headerOf = () => '203.0.113.1'
    assert.deepEqual(find('198.51.100.1', headerOf), {
      address: '198.51.100.1',
      isLocal: false,
      isForged: false,
    })
    for (const own of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::FFFF:7f00:1']) {
      assert.equal(find(own, headerOf).isLocal, true, own)
    }
    assert.deepEqual(find(undefined, headerOf).address, undefined)
  })

  it('by no header a program of this machine: anybody can write an address of loopback', () => {
    const spellings = [
      '127.0.0.1',
      '127.1.2.3',
      '::1',
      '[::1]:443',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      'localhost',
    ]
    for (const header of ['x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'forwarded']) {
      for (const spelling of [
        ...spellings,
        ...spellings.map((each) => `for="${each}"`),
        '',
        ',',
        'unknown',
      ]) {
        assert.equal(named(header, spelling, '127.0.0.1').isLocal, false, `${header}: ${spelling}`)
        assert.notEqual(named(header, spelling, '127.0.0.1').address, undefined)
      }
    }
    assert.equal(named('x-forwarded-for', undefined, '127.0.0.1').isLocal, true, 'not through the proxy')
  })

  const lists: readonly (readonly [header: string, value: string, client: string])[] = [
    ['x-forwarded-for', '203.0.113.7', '203.0.113.7'],
    ['x-forwarded-for', '127.0.0.1, 10.0.0.1, 203.0.113.7', '203.0.113.7'],
    ['x-forwarded-for', '203.0.113.7:5678', '203.0.113.7'],
    ['x-forwarded-for', '[2001:db8::1]:443', '2001:db8:0:0:0:0:0:1'],
    ['x-forwarded-for', '::ffff:203.0.113.7', '203.0.113.7'],
    ['x-forwarded-for', '64:ff9b::203.0.113.7', '203.0.113.7'],
    ['x-forwarded-for', '6.6.6.6, unknown', PROXY],
    ['x-forwarded-for', '6.6.6.6, evil.example', PROXY],
    ['x-forwarded-for', '6.6.6.6, 1.2.3', PROXY],
    ['forwarded', 'for=203.0.113.7;proto=https', '203.0.113.7'],
    ['forwarded', 'for=127.0.0.1, proto=https; For="[2001:db8::1]:4711"', '2001:db8:0:0:0:0:0:1'],
    ['forwarded', 'for="a, for=1.1.1.1", for=203.0.113.7', '203.0.113.7'],
    ['forwarded', 'for=203.0.113.7, by=10.0.0.1', PROXY],
    ['forwarded', 'for="_hidden"', PROXY],
    ['x-real-ip', '203.0.113.7', '203.0.113.7'],
  ]
  for (const [header, value, client] of lists) {
    it(`behind a proxy that sends ${header}: ${value}`, () => {
      assert.deepEqual(named(header, value), { address: client, isLocal: false, isForged: false })
    })
  }

  it('by the header of a trusted proxy alone: who reaches the server past it cannot choose its address', () => {
    for (const peer of ['203.0.113.9', '2001:db8::1', '::ffff:203.0.113.9', '172.32.0.1', '11.0.0.1']) {
      const client = named('x-forwarded-for', '6.6.6.6', peer)
      assert.deepEqual([client.address, client.isForged], [canonicalAddress(peer), true], peer)
    }
    const privates = [
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.1.1',
      '100.64.0.1',
      'fd00::1',
      'fe80::1%eth0',
    ]
    for (const peer of privates)
      assert.equal(named('x-forwarded-for', '6.6.6.6', peer).address, '6.6.6.6', peer)
    const byName = (peer: string, trusted: readonly string[]) =>
      named('x-forwarded-for', '6.6.6.6', peer, [...trusted]).address
    assert.equal(byName(OUTER, [OUTER]), '6.6.6.6')
    assert.equal(byName(OUTER, ['198.51.100.0/24']), '6.6.6.6')
    assert.equal(byName('2001:db8:5::1', ['2001:db8::/32']), '6.6.6.6')
    assert.equal(byName(OUTER, ['any']), '6.6.6.6')
    assert.equal(byName(PROXY, [OUTER]), PROXY, 'private is named or not meant')
  })

  it('behind two proxies in a row, where the outer one is named: what it saw', () => {
    const chain = `6.6.6.6, 203.0.113.7, ${OUTER}`
    assert.equal(named('x-forwarded-for', chain).address, OUTER)
    assert.equal(named('x-forwarded-for', chain, PROXY, ['private', OUTER]).address, '203.0.113.7')
    // A client of a private network is no proxy by that: what it wrote does not count.
    assert.equal(named('x-forwarded-for', '6.6.6.6, 10.9.9.9', PROXY, ['private', OUTER]).address, '10.9.9.9')
  })
})

const networks: readonly (readonly [address: string, network: string | undefined])[] = [
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['64:ff9b::cb00:7107', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:0001:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['1.2.3', undefined],
  ['0x7f.0.0.1', undefined],
  ['127.1', undefined],
  ['', undefined],
]
for (const [address, network] of networks) {
  it(`${address || 'nothing'} is counted as ${network ?? 'nobody'}`, () => {
    const canonical = canonicalAddress(address)
    assert.equal(canonical === undefined ? undefined : networkOf(canonical), network)
  })
}
