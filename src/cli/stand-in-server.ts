import { randomBytes } from 'node:crypto'
import { mintToken } from '../api/keys.ts'
import { type Listening, listen } from '../api/listen.ts'
import { openStandIn } from '../payments/stand-in.ts'
import type { ChaosWorld } from '../proof/faults/world.ts'
import type { RunningServer } from '../proof/run.ts'
import type { RunDatabase } from '../proof/run-databases.ts'
import { serveFrom } from './serve-from.ts'

/** A stand-in of Stripe in this process, which outlives the servers that are started against it and remembers what they took. */
export interface StandInServer {
  readonly url: string
  readonly secretKey: string
  readonly webhookSecret: string
  /** What makes a server use it. */
  readonly environment: Readonly<Record<string, string>>
  /** Starts a server and sends it the webhooks, from now on. */
  serve<Server extends RunningServer>(start: () => Promise<Server>): Promise<Server>
  close(): Promise<void>
}

/** Every event comes up to three times, and late, so that copies overtake each other. The seed repeats the choices. */
const CHAOS = { duplicates: 3, delayMs: 200, lostAnswers: 0 }

/** Without a `seed` nothing goes wrong. `timeScale`: how many times faster than Stripe's its time passes. Throws a ListenError where this machine has no free port. */
export async function openStandInServer(seed?: number, timeScale = 1): Promise<StandInServer> {
  const secretKey = `sk_test_stand_in_${randomBytes(24).toString('hex')}`
  const webhookSecret = `whsec_${randomBytes(24).toString('hex')}`
  let listening: Listening | undefined
  let server: RunningServer | undefined
  const standIn = await openStandIn({
    secretKey,
    webhookSecret,
    publicUrl: () => listening?.url ?? '',
    webhookUrl: () => (server === undefined ? undefined : `${server.url}/functions/v1/stripe-webhook`),
    ...(seed === undefined ? {} : { chaos: { ...CHAOS, seed } }),
    timeScale,
  })
  listening = await listen({ fetch: standIn.fetch })
  const { url, close } = listening
  return {
    url,
    secretKey,
    webhookSecret,
    environment: {
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      STRIPE_API_URL: `${url}/api.stripe.com`,
    },
    serve: async (start) => {
      const started = await start()
      server = started
      return started
    },
    close: async () => {
      await standIn.close()
      await close()
    },
  }
}

/** How many times faster than Stripe's the time of sessions passes where the server is killed. */
export const CHAOS_TIME_SCALE = 600

interface ChaosOptions {
  readonly seed: number
  readonly signal: AbortSignal
  readonly jwtSecret: string
  /** The environment of the server, over ours. */
  readonly servers?: Readonly<Record<string, string>>
}

/** A server of its own process that can be killed, and a stand-in of Stripe that lives on and hurries. */
export async function openChaosWorld(
  { url, client }: Pick<RunDatabase, 'url' | 'client'>,
  { seed, signal, jwtSecret, servers }: ChaosOptions,
): Promise<{ readonly world: ChaosWorld; readonly standIn: StandInServer; close(): Promise<void> }> {
  const standIn = await openStandInServer(seed, CHAOS_TIME_SCALE)
  const world: ChaosWorld = {
    client,
    startServer: () => standIn.serve(() => serveFrom(url, jwtSecret, { ...servers, ...standIn.environment })),
    standIn: { url: standIn.url, secretKey: standIn.secretKey, timeScale: CHAOS_TIME_SCALE },
    staffToken: (sub) => mintToken(jwtSecret, { sub, email: 'manager@example.org' }),
    signal,
  }
  return { world, standIn, close: standIn.close }
}
