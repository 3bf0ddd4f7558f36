import { isIP } from 'node:net'
import { z } from 'zod'
import {
  ARRIVING_MAX,
  ARRIVING_PER_ADDRESS,
  AUTH_PER_MINUTE,
  BODY_BYTES_MAX,
  type Lane,
  PLACES,
  POOLS,
  READ_LIMITS,
  WORKERS_MAX,
} from './core/capacity.ts'
import { urlsOfHosts } from './core/postgres-url.ts'

const portRule = 'must be a port from 0 to 65535'

const rateRule = 'must be a whole number of requests a second from one address, 0 for any'

const SECONDS_MAX = 3_600
export const KIB = 1024

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
  REPLICATION_URL: z
    .string()
    .refine((url) => urlsOfHosts(url) !== undefined, 'must be a postgres:// URL')
    .optional()
    .describe(
      'Where changes are followed, if DATABASE_URL goes through PgBouncer, which passes on no replication.',
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
  WORKERS: count(
    1,
    1,
    WORKERS_MAX,
    'Processes that serve the port together. What one server may (`PLACES_…`, `POOL_…`) is divided among them.',
  ),
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
  JWT_SECRETS_FORMER: z
    .string()
    .regex(/^[^,]{32,}(,[^,]{32,})*$/, 'must list secrets of at least 32 characters, separated by commas')
    .optional()
    .describe('Secrets before JWT_SECRET, separated by commas: tokens that they signed hold until they end.'),
  JWT_ALGORITHM: z
    .enum(['ES256', 'HS256'], 'must be ES256 or HS256')
    .default('ES256')
    .describe('What signs the tokens of `/auth/v1`; both are always verified.'),
  JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe('The public keys of somebody else who signs users in (ES256, RS256, EdDSA).'),
  JWT_ISSUER: z
    .string()
    .min(1)
    .optional()
    .describe('Whose tokens the keys of JWKS_URL verify (`iss`). Left out: any.'),
  AUTH_SIGN_UPS: z
    .enum(['yes', 'no'], 'must be yes or no')
    .default('yes')
    .describe('`no`: only the service role makes users.'),
  AUTH_AUTOCONFIRM: z
    .enum(['yes', 'no'], 'must be yes or no')
    .optional()
    .describe('`yes`: an address counts as its own without a code. So it is where SMTP_URL is not set.'),
  AUTH_PASSWORD_LENGTH: count(6, 6, 100, 'The shortest password that is taken.'),
  AUTH_TOKEN_SECONDS: count(3_600, 60, 86_400, 'How long an access token holds.'),
  AUTH_RATE_LIMIT: count(
    AUTH_PER_MINUTE,
    1,
    PLACES_MAX,
    'Sign-ups, passwords and codes that one client address may try in a minute.',
  ),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: 'must be an smtp:// or smtps:// URL' })
    .optional()
    .describe('Sends mails: `smtps://user:password@host`. Without it codes are printed at a terminal.'),
  MAIL_FROM: z.string().min(3).default('Admit Once <tickets@localhost>').describe('Whom mails come from.'),
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
  SOCKETS_MAX: count(10_000, 1, PLACES_MAX, 'Sockets of subscribers at once.'),
  SOCKETS_PER_ADDRESS: count(1_000, 1, PLACES_MAX, 'The same from one client address.'),
  ARRIVING_MAX: count(ARRIVING_MAX, 1, PLACES_MAX, 'Bodies on their way at once, in each lane.'),
  ARRIVING_PER_ADDRESS: count(
    ARRIVING_PER_ADDRESS,
    1,
    PLACES_MAX,
    'The same from one client address, in each lane.',
  ),
  PLACES_BUYERS: places('buyers', 'buyers'),
  PLACES_PAGES: places('pages', 'pages that only read'),
  PLACES_TABLES: places('tables', 'reads and writes of tables'),
  PLACES_AUTH: places('auth', 'sign-ups and sign-ins'),
  PLACES_REALTIME: places('realtime', 'broadcasts over HTTP'),
  PLACES_GATES: places('gates', 'gates'),
  PLACES_WEBHOOKS: places('webhooks', 'webhooks'),
  PLACES_HEALTH: places('health', 'health checks'),
  POOL_BUYERS: pool('buyers', 'buyers'),
  POOL_PAGES: pool('pages', 'pages that only read'),
  POOL_TABLES: pool('tables', 'reads and writes of tables'),
  POOL_AUTH: pool('auth', 'sign-ups and sign-ins'),
  POOL_REALTIME: pool('realtime', 'who may see which change'),
  POOL_GATES: pool('gates', 'gates'),
  POOL_WEBHOOKS: pool('webhooks', 'webhooks, payments and jobs'),
  POOL_HEALTH: pool('health', 'health checks'),
  METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, 'must have at least 16 characters, without blanks')
    .optional()
    .describe('Opens `/metrics` and nothing else, as a bearer token. The secret key opens it too.'),
  LOG_LEVEL: z
    .enum(['error', 'warn', 'info'], 'must be error, warn or info')
    .default('warn')
    .describe('The most that is logged: `error`, `warn` or `info`.'),
  NO_COLOR: z.string().optional().describe('Set to anything: no colours at a terminal.'),
})

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
