import { join, resolve } from 'node:path'
import process from 'node:process'
import type { z } from 'zod'
import type { Lane, ReadLimits } from './core/capacity.ts'
import { environment, KIB } from './environment.ts'

/** What the operator decides, from the environment. The only reader of process.env. */
export interface Config {
  /** Any PostgreSQL from 15 on; without it one is started that npm brought. */
  readonly databaseUrl: string | undefined
  /** A connection to PostgreSQL itself, where `databaseUrl` is a pooler's. */
  readonly replicationUrl: string | undefined
  /** Data, secrets and logs of this installation. */
  readonly home: string
  readonly host: string
  readonly port: number
  /** Processes that serve it. */
  readonly workers: number
  /** Signs keys and tokens; made and kept in `home` where it is not given. */
  readonly jwtSecret: string | undefined
  /** What a token must carry. */
  readonly tokenRules: { readonly audience: string | null; readonly mustEnd: boolean }
  /** Seed of the Ed25519 key that signs codes; made and kept in `home` where it is not given. */
  readonly signing: {
    /** Secrets before this one. */
    readonly former: readonly string[]
    readonly algorithm: 'ES256' | 'HS256'
    readonly jwksUrl: string | undefined
    readonly issuer: string | undefined
  }
  readonly auth: AuthConfig
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
  readonly sockets: { readonly socketsMax: number; readonly socketsPerAddress: number }
  /** Bodies on their way, in a lane and from an address in it, and how large each may be. */
  readonly arrivingMax: number
  readonly arrivingPerAddress: number
  readonly bodyBytesMax: number
  /** Bulkheads: requests in work, and connections to the database. */
  readonly places: Readonly<Record<Lane, number>>
  readonly pools: Readonly<Record<Lane, number>>
  /** Whose word about the client counts: addresses and networks, `private`, `any`. */
  readonly trustedProxies: readonly string[]
  /** Opens `/metrics`; without it the secret key alone does. */
  readonly metricsToken: string | undefined
  /** What is logged at most. */
  readonly logLevel: 'error' | 'warn' | 'info'
  readonly color: boolean
}

interface AuthConfig {
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
  /** Tries of one client address. */
  readonly perMinute: number
  readonly rules: {
    readonly signUps: boolean
    readonly autoconfirm: boolean
    readonly passwordLengthMin: number
    readonly tokenSeconds: number
  }
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
    replicationUrl: data.REPLICATION_URL,
    home: resolve(data.ADMIT_ONCE_HOME),
    host: data.HOST,
    port: data.PORT,
    workers: data.WORKERS,
    jwtSecret: data.JWT_SECRET,
    tokenRules: {
      audience: data.JWT_AUDIENCE === 'any' ? null : data.JWT_AUDIENCE,
      mustEnd: data.JWT_WITHOUT_END === undefined,
    },
    signing: {
      former: data.JWT_SECRETS_FORMER?.split(',') ?? [],
      algorithm: data.JWT_ALGORITHM,
      jwksUrl: data.JWKS_URL,
      issuer: data.JWT_ISSUER,
    },
    auth: authOf(data),
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
    metricsToken: data.METRICS_TOKEN,
    logLevel: data.LOG_LEVEL,
    color: data.NO_COLOR === undefined,
  }
}

function authOf(data: z.output<typeof environment>) {
  return {
    smtpUrl: data.SMTP_URL,
    mailFrom: data.MAIL_FROM,
    perMinute: data.AUTH_RATE_LIMIT,
    rules: {
      signUps: data.AUTH_SIGN_UPS === 'yes',
      autoconfirm:
        data.AUTH_AUTOCONFIRM === undefined ? data.SMTP_URL === undefined : data.AUTH_AUTOCONFIRM === 'yes',
      passwordLengthMin: data.AUTH_PASSWORD_LENGTH,
      tokenSeconds: data.AUTH_TOKEN_SECONDS,
    },
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
    sockets: { socketsMax: data.SOCKETS_MAX, socketsPerAddress: data.SOCKETS_PER_ADDRESS },
    arrivingMax: data.ARRIVING_MAX,
    arrivingPerAddress: data.ARRIVING_PER_ADDRESS,
    bodyBytesMax: data.BODY_KIB_MAX * KIB,
    places: {
      buyers: data.PLACES_BUYERS,
      pages: data.PLACES_PAGES,
      tables: data.PLACES_TABLES,
      auth: data.PLACES_AUTH,
      realtime: data.PLACES_REALTIME,
      gates: data.PLACES_GATES,
      webhooks: data.PLACES_WEBHOOKS,
      health: data.PLACES_HEALTH,
    },
    pools: {
      buyers: data.POOL_BUYERS,
      pages: data.POOL_PAGES,
      tables: data.POOL_TABLES,
      auth: data.POOL_AUTH,
      realtime: data.POOL_REALTIME,
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

/** Where the embedded PostgreSQL of `admit-once start` lives. */
export function dataFolderOf(config: Config): string {
  return join(config.home, 'postgres')
}

/** The variables that make a child process see this configuration, and `changes` over it. */
export function childEnvironment(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}
