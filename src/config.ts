import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import {
  ARRIVING_MAX,
  ARRIVING_PER_ADDRESS,
  BODY_BYTES_MAX,
  type Lane,
  PLACES,
  POOLS,
  READ_LIMITS,
  type ReadLimits,
} from './core/capacity.ts'
import { urlsOfHosts } from './core/postgres-url.ts'

/** What the operator decides, from the environment. The only reader of process.env. */
export interface Config {
  /** Any PostgreSQL from 15 on; without it one is started that npm brought. */
  readonly databaseUrl: string | undefined
  /** Data, secrets and logs of this installation. */
  readonly home: string
  readonly host: string
  readonly port: number
  /** Signs keys and tokens; made and kept in `home` where it is not given. */
  readonly jwtSecret: string | undefined
  /** What a token must carry. */
  readonly tokenRules: { readonly audience: string | null; readonly mustEnd: boolean }
  /** Seed of the Ed25519 key that signs codes; made and kept in `home` where it is not given. */
  readonly ticketSigningKey: string | undefined
  /** Where people reach the server, when that is not its own address. */
  readonly publicUrl: string | undefined
  /** Takes the money; without it a stand-in does, and no money moves. */
  readonly stripe: StripeConfig | undefined
  /** The stand-in was asked for by name, also where strangers reach it. */
  readonly isStandInMeant: boolean
  /** Signs the provider's webhooks; the stand-in's is made and kept in `home` where it is not given. */
  readonly webhookSecret: string | undefined
  /** Origins that buyers may be sent to after paying; none: any. */
  readonly allowedRedirects: readonly string[]
  /** Requests a second from one client address, which is not on this machine; 0: any number. */
  readonly rateLimit: number | undefined
  /** In which a proxy before us names the client. */
  readonly clientAddressHeader: string | undefined
  readonly reading: ReadLimits
  /** Bodies on their way, in a lane and from an address in it, and how large each may be. */
  readonly arrivingMax: number
  readonly arrivingPerAddress: number
  readonly bodyBytesMax: number
  /** Bulkheads: requests in work, and connections to the database. */
  readonly places: Readonly<Record<Lane, number>>
  readonly pools: Readonly<Record<Lane, number>>
  /** Whose word about the client counts: addresses and networks, `private`, `any`. */
  readonly trustedProxies: readonly string[]
  /** What is logged at most. */
  readonly logLevel: 'error' | 'warn' | 'info'
  readonly color: boolean
}

export interface StripeConfig {
  readonly secretKey: string
  /** Real money moves. */
  readonly isLive: boolean
  /** What stands in for https://api.stripe.com, path included. */
  readonly apiUrl: string | undefined
}

/** A variable that cannot be what it says. */
class ConfigError extends Error {
  readonly code = 'INVALID_CONFIG'
}

const portRule = 'must be a port from 0 to 65535'

const rateRule = 'must be a whole number of requests a second from one address, 0 for any'

const SECONDS_MAX = 3_600
const KIB = 1024

/** A whole number that is set within bounds, and has a default. */
function count(usual: number, min: number, max: number, what: string) {
  const rule = `must be a whole number from ${min} to ${max}`
  return z.coerce.number(rule).int(rule).min(min, rule).max(max, rule).default(usual).describe(what)
}

const seconds = (usualMs: number, what: string) => count(usualMs / 1000, 1, SECONDS_MAX, what)

const PLACES_MAX = 100_000
const places = (lane: Lane, what: string) =>
  count(PLACES[lane], 1, PLACES_MAX, `Requests in work at once: ${what}.`)

const POOL_MAX = 1_000
const pool = (lane: Lane, what: string) =>
  count(POOLS[lane], 1, POOL_MAX, `Connections to the database: ${what}.`)

/** Every variable, with the sentence that docs/operating/variables.md is written from. */
export const environment = z.object({
  DATABASE_URL: z
    .string()
    .refine((url) => urlsOfHosts(url) !== undefined, 'must be a postgres:// URL')
    .optional()
    .describe(
      'Any PostgreSQL from 15 on; of several hosts (`postgres://user@one,two/db`) the one that takes writes. Without it a PostgreSQL is started that npm brought.',
    ),
  ADMIT_ONCE_HOME: z
    .string()
    .min(1)
    .default('.admit-once')
    .describe('Folder for data, secrets and the journal of the stand-in, below the current one.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address to listen on. `0.0.0.0` is every address of this machine.'),
  PORT: z.coerce
    .number(portRule)
    .int(portRule)
    .min(0, portRule)
    .max(65_535, portRule)
    .default(54_321)
    .describe('The port to listen on. 0 takes a free one.'),
  JWT_SECRET: z
    .string()
    .min(32, 'must have at least 32 characters')
    .optional()
    .describe('Signs API keys and tokens (HS256), at least 32 characters. Made and kept in ADMIT_ONCE_HOME.'),
  JWT_AUDIENCE: z
    .string()
    .min(1)
    .default('authenticated')
    .describe('Whom a token must be for where it says so (`aud`); `any` takes all of this secret.'),
  JWT_WITHOUT_END: z
    .literal('yes', 'must be "yes" or left out')
    .optional()
    .describe('`yes` takes tokens that never end (no `exp`).'),
  TICKET_SIGNING_KEY: z
    .string()
    .regex(/^[\w-]{43}$/, 'must be 32 random bytes in base64url, which are 43 characters')
    .optional()
    .describe('Signs codes (Ed25519): 32 random bytes in base64url. Made and kept in ADMIT_ONCE_HOME.'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .refine(
      (url) => /^\/$/.test(new URL(url).pathname) && !/[?#]/.test(url),
      'must have no path: pages stand at /',
    )
    .transform((url) => new URL(url).origin)
    .optional()
    .describe('Where buyers reach the server, without a path. Needed where strangers do.'),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(
      /^([sr]k_(test|live)_\w+|stand-in)$/,
      'must be a secret or restricted key of Stripe (sk_test_…), or stand-in',
    )
    .optional()
    .describe("Stripe's secret or restricted key, or `stand-in`. Without it the stand-in takes the money."),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[\w+/=-]+(,whsec_[\w+/=-]+)*$/, "must be the webhook endpoint's secret: whsec_…")
    .optional()
    .describe(
      "Checks webhooks: the endpoint's `whsec_…`, of several endpoints separated by commas. The stand-in's own is made and kept.",
    ),
  STRIPE_API_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe("What answers instead of Stripe's API, path included. Never with a live key."),
  STRIPE_LIVE: z
    .literal('yes', 'must be "yes" or left out')
    .optional()
    .describe('`yes` lets a live key move real money.'),
  ALLOWED_REDIRECTS: z
    .string()
    .default('')
    .transform(originsOf)
    .describe('Origins that buyers may be sent to after they paid, separated by commas. None listed: any.'),
  RATE_LIMIT: z.coerce
    .number(rateRule)
    .int(rateRule)
    .min(0, rateRule)
    .optional()
    .describe('Requests a second from one client address, 100 where it is not set; 0 is no limit.'),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[\w-]+$/, 'must be the name of a header')
    .optional()
    .describe('The header in which a proxy names the client, such as `x-forwarded-for`.'),
  TRUSTED_PROXIES: z
    .string()
    .default('private')
    .transform(proxiesOf)
    .describe(
      'Proxies whose CLIENT_ADDRESS_HEADER is believed: addresses and networks (`203.0.113.7,2001:db8::/32`), `private` for all on no public address, or `any`.',
    ),
  KEEP_ALIVE_SECONDS: seconds(
    READ_LIMITS.keepAliveMs,
    'How long a connection without a request is kept: longer than the proxy before it keeps its own.',
  ),
  HEADER_SECONDS: seconds(READ_LIMITS.headersMs, 'How long the headers of a request may take to arrive.'),
  REQUEST_SECONDS: seconds(
    READ_LIMITS.requestMs,
    'How long a whole request, headers and body, may take to arrive; at least HEADER_SECONDS.',
  ),
  BODY_KIB_MAX: count(
    BODY_BYTES_MAX / KIB,
    1,
    BODY_BYTES_MAX / KIB,
    'The largest body that is read, in KiB; functions take less.',
  ),
  CONNECTIONS_MAX: count(
    READ_LIMITS.connectionsMax,
    10,
    PLACES_MAX,
    'Connections of clients at once. For more, the one that waits for longest is closed.',
  ),
  ARRIVING_MAX: count(ARRIVING_MAX, 1, PLACES_MAX, 'Bodies on their way at once, in each lane.'),
  ARRIVING_PER_ADDRESS: count(
    ARRIVING_PER_ADDRESS,
    1,
    PLACES_MAX,
    'The same from one client address, in each lane.',
  ),
  PLACES_BUYERS: places('buyers', 'buyers'),
  PLACES_PAGES: places('pages', 'pages that only read'),
  PLACES_GATES: places('gates', 'gates'),
  PLACES_WEBHOOKS: places('webhooks', 'webhooks'),
  PLACES_HEALTH: places('health', 'health checks'),
  POOL_BUYERS: pool('buyers', 'buyers'),
  POOL_PAGES: pool('pages', 'pages that only read'),
  POOL_GATES: pool('gates', 'gates'),
  POOL_WEBHOOKS: pool('webhooks', 'webhooks, payments and jobs'),
  POOL_HEALTH: pool('health', 'health checks'),
  LOG_LEVEL: z
    .enum(['error', 'warn', 'info'], 'must be error, warn or info')
    .default('warn')
    .describe('The most that is logged: `error`, `warn` or `info`.'),
  NO_COLOR: z.string().optional().describe('Set to anything: no colours at a terminal.'),
})

/** `changes` go over the environment: what a command was told by its own options. Throws a ConfigError. */
export function readConfig(changes: Readonly<Record<string, string>> = {}): Config {
  const set = Object.fromEntries(
    Object.entries({ ...process.env, ...changes }).filter(([, value]) => value !== ''),
  )
  const parsed = environment.safeParse(set)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ConfigError(`${String(issue?.path[0])} ${issue?.message}.`)
  }
  const { data } = parsed
  return {
    databaseUrl: data.DATABASE_URL,
    home: resolve(data.ADMIT_ONCE_HOME),
    host: data.HOST,
    port: data.PORT,
    jwtSecret: data.JWT_SECRET,
    tokenRules: {
      audience: data.JWT_AUDIENCE === 'any' ? null : data.JWT_AUDIENCE,
      mustEnd: data.JWT_WITHOUT_END === undefined,
    },
    ticketSigningKey: data.TICKET_SIGNING_KEY,
    publicUrl: data.PUBLIC_URL,
    stripe: stripeOf(data),
    isStandInMeant: data.STRIPE_SECRET_KEY === STAND_IN,
    webhookSecret: data.STRIPE_WEBHOOK_SECRET,
    allowedRedirects: data.ALLOWED_REDIRECTS,
    rateLimit: data.RATE_LIMIT,
    clientAddressHeader: data.CLIENT_ADDRESS_HEADER,
    trustedProxies: data.TRUSTED_PROXIES,
    ...capacityOf(data),
    logLevel: data.LOG_LEVEL,
    color: data.NO_COLOR === undefined,
  }
}

function capacityOf(data: z.output<typeof environment>) {
  if (data.REQUEST_SECONDS < data.HEADER_SECONDS) {
    throw new ConfigError('REQUEST_SECONDS must be at least HEADER_SECONDS: headers are part of a request.')
  }
  return {
    reading: {
      keepAliveMs: data.KEEP_ALIVE_SECONDS * 1000,
      headersMs: data.HEADER_SECONDS * 1000,
      requestMs: data.REQUEST_SECONDS * 1000,
      connectionsMax: data.CONNECTIONS_MAX,
    },
    arrivingMax: data.ARRIVING_MAX,
    arrivingPerAddress: data.ARRIVING_PER_ADDRESS,
    bodyBytesMax: data.BODY_KIB_MAX * KIB,
    places: {
      buyers: data.PLACES_BUYERS,
      pages: data.PLACES_PAGES,
      gates: data.PLACES_GATES,
      webhooks: data.PLACES_WEBHOOKS,
      health: data.PLACES_HEALTH,
    },
    pools: {
      buyers: data.POOL_BUYERS,
      pages: data.POOL_PAGES,
      gates: data.POOL_GATES,
      webhooks: data.POOL_WEBHOOKS,
      health: data.POOL_HEALTH,
    },
  }
}

/** For what must never move real money: load, proofs, trials. Throws a ConfigError. */
export function refuseLiveKey({ stripe }: Config, what: string): void {
  if (stripe?.isLive !== true) return
  throw new ConfigError(
    `STRIPE_SECRET_KEY is a live key: ${what} never runs with one. Use a test key or none.`,
  )
}

const STAND_IN = 'stand-in'

/** A live key must be meant, and goes to Stripe itself and to nobody else. */
function stripeOf(data: z.output<typeof environment>): StripeConfig | undefined {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_API_URL: apiUrl, STRIPE_LIVE } = data
  if (secretKey === undefined || secretKey === STAND_IN) {
    // A misspelt key would sell tickets for nothing.
    for (const [name, value] of Object.entries({ STRIPE_LIVE, STRIPE_API_URL: apiUrl })) {
      if (value !== undefined)
        throw new ConfigError(`${name} is set, and STRIPE_SECRET_KEY is no key of Stripe.`)
    }
    return undefined
  }
  const isLive = /^[sr]k_live_/.test(secretKey)
  if (isLive && STRIPE_LIVE !== 'yes') {
    throw new ConfigError(
      'STRIPE_SECRET_KEY is a live key: real money would move. Set STRIPE_LIVE=yes if you mean it.',
    )
  }
  if (isLive && apiUrl !== undefined) {
    throw new ConfigError('STRIPE_API_URL is set: a live key goes to Stripe alone. Leave one of them out.')
  }
  return { secretKey, isLive, apiUrl }
}

function originsOf(list: string, context: z.RefinementCtx): string[] {
  const names = list.split(',').flatMap((name) => name.trim() || [])
  const origins = names.map((name) =>
    /^https?:\/\//.test(name) && URL.canParse(name) ? new URL(name).origin : undefined,
  )
  const wrong = names.find((_, n) => origins[n] === undefined)
  if (wrong !== undefined) {
    context.addIssue(
      `must list origins such as https://tickets.example.org, separated by commas, not "${wrong}"`,
    )
  }
  return origins.filter((origin) => origin !== undefined)
}

function proxiesOf(list: string, context: z.RefinementCtx): string[] {
  const entries = list.split(',').flatMap((entry) => entry.trim() || [])
  const wrong = entries.find((entry) => entry !== 'private' && entry !== 'any' && !isNetwork(entry))
  if (wrong !== undefined || entries.length === 0) {
    context.addIssue(
      `must list addresses or networks such as 10.0.0.0/8, "private" or "any", separated by commas, not "${wrong ?? list}"`,
    )
  }
  return entries
}

function isNetwork(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/')
  const family = isIP(address)
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  return family > 0 && isPrefix && more.length === 0
}

/** Where the embedded PostgreSQL of `admit-once start` lives. */
export function dataFolderOf(config: Config): string {
  return join(config.home, 'postgres')
}

/** The variables that make a child process see this configuration, and `changes` over it. */
export function childEnvironment(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}
