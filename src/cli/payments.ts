import { join } from 'node:path'
import type { Config, StripeConfig } from '../config.ts'
import type { Log } from '../core/log.ts'
import { tryLock } from '../embedded/lock.ts'
import { openStripe, type PaymentProvider } from '../payments/provider.ts'
import { reportTo } from '../payments/report.ts'
import { openStandIn } from '../payments/stand-in.ts'
import { CommandError } from './failure.ts'
import { standInKeyOf, webhookSecretOf } from './secrets.ts'

/** Who takes the money of `admit-once start`. */
export interface Payments {
  readonly provider: PaymentProvider
  /** What the provider has on our own port; nothing where it is Stripe itself. */
  readonly mounts: ReadonlyMap<string, (request: Request) => Promise<Response>>
  /** For people: whose money moves. */
  readonly described: string
  /** What an operator must not overlook. */
  readonly warning?: string
  /** What scripts need that sign events or look at the stand-in themselves; empty where it is not ours to show. */
  readonly variables: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Stripe, where STRIPE_SECRET_KEY is set; else its stand-in, in this process and on our own port. */
export async function openPayments(
  config: Config,
  ownUrl: () => string | undefined,
  log: Log,
): Promise<Payments> {
  return config.stripe === undefined ? standIn(config, ownUrl, log) : stripe(config, config.stripe, log)
}

function stripe({ webhookSecret }: Config, { secretKey, apiUrl, isLive }: StripeConfig, log: Log): Payments {
  if (webhookSecret === undefined) {
    throw new CommandError(
      'STRIPE_WEBHOOK_SECRET is missing. Stripe shows it where you add the webhook endpoint <your URL>/functions/v1/stripe-webhook.',
    )
  }
  const report = reportTo(log)
  const mode = isLive ? 'LIVE: real money moves' : 'test mode, no money moves'
  return {
    provider: openStripe({ secretKey, webhookSecret, apiUrl, report }),
    mounts: new Map(),
    variables: {},
    described: `Stripe${apiUrl === undefined ? '' : ` at ${apiUrl}`}, ${mode}`,
    close: async () => {},
  }
}

async function standIn(config: Config, ownUrl: () => string | undefined, log: Log): Promise<Payments> {
  if (isPublic(config) && !config.isStandInMeant) throw new CommandError(FOR_NOTHING)
  const [secretKey, webhookSecret] = await Promise.all([standInKeyOf(config), webhookSecretOf(config)])
  const lock = tryLock(join(config.home, 'stand-in.lock'))
  if (lock === undefined) {
    throw new CommandError(
      `Another server uses the stand-in of ${config.home}, and two would not know each other's payments. Let this one use the first one's (STRIPE_API_URL and its STRIPE_TEST_SK as STRIPE_SECRET_KEY), or set another ADMIT_ONCE_HOME.`,
    )
  }
  const opened = await openStandIn({
    secretKey,
    webhookSecret,
    publicUrl: () => config.publicUrl ?? ownUrl() ?? '',
    webhookUrl: () => {
      const url = ownUrl()
      return url === undefined ? undefined : `${url}/functions/v1/stripe-webhook`
    },
    journal: join(config.home, 'stand-in.jsonl'),
  })
  return {
    ...answeredBy(opened.fetch, { secretKey, webhookSecret }, log),
    described: 'stand-in of Stripe, no money moves',
    // One that was given is not ours to show.
    variables: {
      ...(config.webhookSecret === undefined ? { STRIPE_WEBHOOK_SECRET: webhookSecret } : {}),
      STRIPE_TEST_SK: secretKey,
    },
    ...(isPublic(config) ? { warning: GIVEN_AWAY } : {}),
    close: async () => {
      await opened.close()
      lock.release()
    },
  }
}

/** What asks a stand-in that is in this process, or in the one that started it. */
function answeredBy(
  answer: (request: Request) => Promise<Response>,
  secrets: { readonly secretKey: string; readonly webhookSecret: string },
  log: Log,
): Pick<Payments, 'provider' | 'mounts'> {
  return {
    // Not over our own port: what was accepted before it closed can still be paid.
    provider: openStripe({ ...secrets, apiUrl: IN_PROCESS_URL, fetch: answer, report: reportTo(log) }),
    mounts: new Map(SEGMENTS.map((segment) => [segment, answer])),
  }
}

/** The same money, for a worker: the stand-in is with the process that started it, at `standInUrl`. */
export async function joinPayments(
  config: Config,
  standInUrl: string | undefined,
  log: Log,
): Promise<Payments> {
  if (standInUrl === undefined) return openPayments(config, () => undefined, log)
  const [secretKey, webhookSecret] = await Promise.all([standInKeyOf(config), webhookSecretOf(config)])
  return {
    ...answeredBy(forwardTo(standInUrl), { secretKey, webhookSecret }, log),
    described: '',
    variables: {},
    close: async () => {},
  }
}

/** Reverse proxy: its answers as they are, but for what one connection says to the next. */
function forwardTo(url: string): (request: Request) => Promise<Response> {
  return async ({ url: asked, method, headers, body, signal }) => {
    const { pathname, search } = new URL(asked)
    const answer = await fetch(`${url}${pathname}${search}`, {
      method,
      headers: endToEnd(headers),
      ...(body === null ? {} : { body: await new Response(body).arrayBuffer() }),
      redirect: 'manual',
      signal,
    })
    const { status } = answer
    const content = await answer.arrayBuffer()
    return new Response(BODILESS.has(status) ? null : content, { status, headers: endToEnd(answer.headers) })
  }
}

const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'host',
  'upgrade',
  'expect',
]

function endToEnd(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of HOP_BY_HOP) kept.delete(name)
  return kept
}

const FOR_NOTHING =
  'Strangers reach this server, and STRIPE_SECRET_KEY is not set: they would get paid tickets without paying. Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET; or, where that is what you want, STRIPE_SECRET_KEY=stand-in.'

const GIVEN_AWAY = 'Whoever reaches this server gets paid tickets without paying.'

export function isPublic({ host, publicUrl }: Config): boolean {
  return publicUrl !== undefined || !/^(127\.|::1$|localhost$)/.test(host)
}

const SEGMENTS = ['api.stripe.com', 'checkout.stripe.com', 'stand-in'] as const
const IN_PROCESS_URL = 'http://stand-in/api.stripe.com'
