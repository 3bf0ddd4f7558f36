import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientFinder } from '../../src/api/client-address.ts'
import { stripeWebhook } from '../../src/api/functions/stripe-webhook.ts'
import { openStripe } from '../../src/payments/provider.ts'

/** Half of what Node reads of headers; four times of it is a sixteenfold where the work is quadratic. */
const LENGTH = 3_500
const TIMES = 4
const GROWTH_MAX = 9
/** Below this nobody waits, and a clock tells nothing. */
const MS_MIN = 20

const payments = openStripe({ secretKey: 'sk_test_x', webhookSecret: 'whsec_dGVzdHM=' })

function signature(header: string): void {
  const request = new Request('http://x.example', { headers: { 'stripe-signature': header } })
  assert.throws(() => stripeWebhook.greet?.(request, { payments }), { code: 'INVALID_SIGNATURE' })
}

const forwarded = (header: string): void => {
  clientFinder({ header: 'forwarded', trusted: ['private'] })('127.0.0.1', () => header)
}

const HOSTILE: Readonly<Record<string, readonly [(header: string) => void, (length: number) => string]>> = {
  'commas in a signature': [signature, (length) => `,${','.repeat(length)}`],
  'times in a signature': [signature, (length) => `t=1${',t=1'.repeat(length / 4)}`],
  'spaces in a signature': [signature, (length) => `t=1${', '.repeat(length / 2)}x`],
  'quotes that nobody closes in Forwarded': [forwarded, (length) => `for="${'\\"'.repeat(length / 2)}`],
  'quotes in Forwarded': [forwarded, (length) => 'for="'.repeat(length / 5)],
}

describe('the work of a header that anybody may send grows with its length, not with the square of it', () => {
  for (const [what, [read, make]] of Object.entries(HOSTILE)) {
    it(what, () => {
      const msOf = (header: string) => {
        const times = Array.from({ length: 3 }, () => {
          const startedMs = performance.now()
          read(header)
          return performance.now() - startedMs
        })
        return Math.min(...times)
      }
      const [short, long] = [msOf(make(LENGTH)), msOf(make(TIMES * LENGTH))]
      assert.ok(long < MS_MIN || long < GROWTH_MAX * short, `${short} ms, ${long} ms`)
    })
  }
})
