/**
 * Bulkheads: which share of the server a request works in, places and connections alike, so that buyers can keep neither
 * gates nor payments nor operators out. Pages that only read have one too: buyers wait for the lock of a tier, readers for none.
 */
export type Lane = 'buyers' | 'pages' | 'tables' | 'auth' | 'realtime' | 'gates' | 'webhooks' | 'health'

type Shares = Readonly<Record<Lane, number>>

/** Requests in work at once, lane by lane. */
export const PLACES: Shares = {
  buyers: 2_000,
  pages: 1_000,
  tables: 500,
  auth: 60,
  realtime: 200,
  gates: 500,
  webhooks: 200,
  health: 1_000,
}

export const LANES = Object.keys(PLACES) as readonly Lane[]

/** Connections to the database, lane by lane. More only wait for each other at a hot tier. */
export const POOLS: Shares = {
  buyers: 20,
  pages: 6,
  tables: 6,
  auth: 2,
  realtime: 3,
  gates: 8,
  webhooks: 6,
  health: 1,
}

/** Processes of one server: each has a connection in every lane, and one that follows changes. */
export const WORKERS_MAX = 16

/** What one server reads of strangers, and for how long. */
export interface ReadLimits {
  /** How long a connection without a request is kept: longer than nginx and AWS keep theirs. */
  readonly keepAliveMs: number
  /** Slow clients (slowloris): how long headers, and a whole request, may take to arrive. */
  readonly headersMs: number
  readonly requestMs: number
  /** Connections held at once. */
  readonly connectionsMax: number
}

/**
 * Who keeps a connection must be the first to end it, or a request is lost that was sent into the end of it: nginx keeps them
 * 60 s, AWS's load balancer 60 s, HAProxy as long as the server does, Google's 600 s.
 */
export const READ_LIMITS: ReadLimits = {
  keepAliveMs: 75_000,
  headersMs: 10_000,
  requestMs: 20_000,
  connectionsMax: 20_000,
}

/** Passwords and codes: what one address may try in a minute, and at once. */
export const AUTH_PER_MINUTE = 30

/** Bodies that are on their way at once in each lane, and from one address in each. */
export const ARRIVING_MAX = 1_000
export const ARRIVING_PER_ADDRESS = 50

/** No larger body is read, whatever its route takes. */
export const BODY_BYTES_MAX = 1024 * 1024
