/** What the loads of this folder do, by the name of their module. */
export interface Loads {
  readonly http: HttpLoad
  readonly paid: PaidOrders
  readonly desk: Reserving
}

/** What came of a load in one window. */
export interface Load {
  /** Successes in all, and those within the window. */
  readonly answered: number
  readonly inTime: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly cpuSeconds: number
  /** Where all that there was to send was sent before the window's end: how long that took. */
  readonly seconds?: number
}

/** Load over HTTP/1.1 with keep-alive, a connection a user. */
export interface HttpLoad {
  readonly host: string
  readonly port: number
  /** Whole requests, sent in turn. */
  readonly requests: readonly string[]
  /** Each is sent once, and the window ends with the last one. */
  readonly isOnce?: boolean
  readonly users: number
  readonly seconds: number
  /** Open loop: so many a second, by the users in turn. Closed loop where left out: each asks again when it was answered. */
  readonly perSecond?: number
  readonly status: number
  /** What the body of a success has in it. */
  readonly success: string
}

/** Orders that are paid at the provider's page, closed loop; each lasts from the first request until its tickets are issued. */
export interface PaidOrders {
  readonly url: string
  readonly providerUrl: string
  readonly key: string
  /** The request that opens a payment session. */
  readonly checkout: string
  readonly users: number
  readonly seconds: number
}

/** Holds of one ticket each through the desk, without HTTP, as the server asks for them in a guest's name. */
export interface Reserving {
  readonly databaseUrl: string
  /** Connections at most. */
  readonly connectionsMax: number
  readonly tierId: string
  readonly callers: number
  readonly seconds: number
}
