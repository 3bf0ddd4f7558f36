import { defineCommand } from 'citty'
import { type Config, readConfig, refuseLiveKey } from '../config.ts'
import { type SmokeStep, smoke } from '../payments/smoke.ts'
import { CommandError } from './failure.ts'

export const stripeSmoke = defineCommand({
  meta: {
    name: 'stripe-smoke',
    description: 'Make every call to Stripe once, with a test key; 1 where one goes wrong. No money moves',
  },
  run: async () => {
    const config = readConfig()
    refuseLiveKey(config, '`stripe-smoke`')
    const { secretKey, apiUrl } = keyOf(config)
    const isStateless = apiUrl !== undefined && (await isStripeMock(apiUrl))
    if (isStateless) console.log('This is stripe-mock: it knows the parameters, and keeps no state.\n')
    const webhookSecret = config.webhookSecret ?? 'whsec_smoke'
    const steps: SmokeStep[] = []
    for await (const step of smoke({ secretKey, webhookSecret, apiUrl, isStateless, nowMs: Date.now() })) {
      steps.push(step)
      console.log(lineOf(step))
    }
    conclude(steps)
  },
})

function keyOf({ stripe }: Config) {
  if (stripe !== undefined) return stripe
  throw new CommandError(
    'STRIPE_SECRET_KEY is missing. Take the secret key of test mode (sk_test_…) from dashboard.stripe.com/test/apikeys.',
  )
}

const MARKS = { passed: '✓', failed: '✗', unjudged: '–' } as const

function lineOf({ name, verdict, detail }: SmokeStep): string {
  return `${MARKS[verdict]} ${name}${detail === '' ? '' : `: ${detail}`}`
}

function conclude(steps: readonly SmokeStep[]): void {
  const count = (verdict: SmokeStep['verdict']) => steps.filter((step) => step.verdict === verdict).length
  const unjudged = count('unjudged') === 0 ? '' : `, ${count('unjudged')} not judged`
  console.log(`\n${count('passed')} of ${steps.length} steps went as they must${unjudged}.`)
  process.exitCode = count('failed') === 0 ? 0 : 1
}

/** It names itself in every answer. */
async function isStripeMock(apiUrl: string): Promise<boolean> {
  const answer = await fetch(apiUrl, { signal: AbortSignal.timeout(HELLO_MS_MAX) }).catch(() => undefined)
  return answer?.headers.has('stripe-mock-version') ?? false
}

const HELLO_MS_MAX = 5_000
