import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Adapter } from '../../src/adapter/index.ts'
import { loadAdapter } from '../../src/proof/target/load-adapter.ts'
import { TARGET_PROFILES } from '../../src/proof/target/profiles.ts'
import { proveTarget } from '../../src/proof/target/prove-target.ts'
import { scenariosOf } from '../../src/proof/target/scenarios/index.ts'

describe('the adapters of systems that are not ours', () => {
  const files = globSync('examples/adapters/*/adapter.ts')

  test('are complete, say what is under proof, and that they can do what an order is asked for', async () => {
    assert.ok(files.length >= 2)
    for (const file of files) {
      const adapter = await loadAdapter(file)
      assert.match(adapter.name, /^\w+ \d+\.\d+\.\d+$/, file)
      assert.ok(adapter.retry && adapter.cancel && adapter.cleanup, file)
    }
  })

  test('would be refused without one of their functions', async () => {
    for (const file of files) {
      const broken = join(mkdtempSync(join(tmpdir(), 'admit-once-')), 'adapter.ts')
      const text = readFileSync(file, 'utf8').replace(/^ {2}truth:/m, '  truthful:')
      writeFileSync(broken, text.replace(/from '\.\//g, `from '${join(process.cwd(), file, '..')}/`))
      await assert.rejects(loadAdapter(broken), /`truth` is not a function.*`adapter` has truthful/s)
    }
  })
})

describe('a scenario', () => {
  test('of a system that is too slow ends when its buyers lose patience, and is judged', async () => {
    const results = await proofOf(shopOf({ busyMs: 1_000 }), 'barrier', 6)
    const [barrier] = results.scenarios
    assert.deepEqual(barrier?.outcomes, { success: 1, 'busy: 503': 59 })
    assert.ok(!barrier?.checks.some(({ name }) => name === 'it ran to its end'))
  })

  test('is not doubted where its clean-up fails: what stays behind is said', async () => {
    const shop = shopOf({ busyMs: 0 })
    const cleanup = async () => Promise.reject(new Error('it has orders'))
    const results = await proofOf({ ...shop, cleanup }, 'one-after-another', 60)
    assert.equal(results.scenarios[0]?.verdict, 'PASS')
    assert.match(results.target?.leftBehind.join() ?? '', /it has orders/)
  })
})

describe('orders without a payment', () => {
  test('are found where others are paid, and are no fault where nobody has paid yet', async () => {
    const verdicts = []
    for (const unpaid of [0, 1, Number.POSITIVE_INFINITY]) {
      const shop = shopOf({ busyMs: 0 })
      const truth: typeof shop.truth = async (call) => {
        const { orders } = await shop.truth(call)
        const payments = orders.slice(unpaid).map(({ id }) => ({ id, order: id, cents: 500 }))
        return { orders: orders.map((order) => ({ ...order, cents: 500 })), payments }
      }
      const results = await proofOf({ ...shop, truth }, 'rush', 60)
      const check = results.scenarios[0]?.checks.find(({ name }) => name.includes('none goes unpaid'))
      verdicts.push(check?.verdict)
    }
    assert.deepEqual(verdicts, ['PASS', 'FAIL', 'PASS'])
  })
})

interface Shelf {
  readonly units: number
  readonly orders: { readonly id: string; readonly buyer: string }[]
}

/** A shop in this process. With `busyMs` it serves one buyer, and tells everybody else to come later, after so long. */
function shopOf({ busyMs }: { readonly busyMs: number }): Adapter<Shelf, null> {
  return {
    name: 'A shop of a test',
    urls: ['http://127.0.0.1:9'],
    holds: 'none',
    prepare: async ({ units }) => ({ units, orders: [] }),
    open: async () => ({ outcome: 'open', cart: null }),
    commit: async ({ item: { orders, units }, buyer }) => {
      if (orders.length === units) return { outcome: 'soldOut' }
      if (busyMs > 0 && orders.length > 0 && units > 1) {
        await delay(busyMs)
        return { outcome: 'busy', answer: '503' }
      }
      const order = randomUUID()
      orders.push({ id: order, buyer: buyer.email })
      return { outcome: 'sold', order }
    },
    truth: async ({ item: { orders, units } }) => ({ orders, left: units - orders.length }),
  }
}

async function proofOf(adapter: Adapter<Shelf, null>, scenario: string, scenarioSecondsMax: number) {
  const profile = { ...TARGET_PROFILES.quick, scenarioSecondsMax }
  return proveTarget({
    target: {
      adapter: adapter as Adapter,
      file: 'shop.ts',
      urls: adapter.urls,
      env: {},
      sql: undefined,
      profile,
      runId: 'test',
      traffic: { origins: new Set(), requestsMax: 0, requests: 0 },
      signal: new AbortController().signal,
      faults: [],
      reproduce: (name) => `prove ${name}`,
    },
    scenarios: scenariosOf(profile).filter(({ name }) => name === scenario),
    run: { id: 'test', command: 'prove', version: '0.0.0', startedAt: new Date() },
    seed: 0,
    clock: () => new Date(),
    onWork: () => {},
    onEnd: () => {},
  })
}
