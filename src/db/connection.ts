import pg from 'pg'
import { urlsOfHosts } from '../core/postgres-url.ts'
import { type Address, connectFailure, DatabaseError } from './failures.ts'

/** How long one host has to take a connection, log-in included. */
const CONNECT_MS_MAX = 5_000

/** TCP keepalive: an idle connection whose other end is gone is found ten probes, a second each, after this. */
const KEEPALIVE_MS = 1_000

/** How long the server may take to confirm that we go. */
const GOODBYE_MS_MAX = 1_000

/**
 * A connection that has a listener for its errors in every phase: without one the death of its backend is an exception that
 * nobody catches, and ends this process. And it ends: the driver closes its half and waits for the server's, which one that
 * hangs never closes, and an open socket keeps this process alive.
 */
class Connection extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({
      connectionTimeoutMillis: CONNECT_MS_MAX,
      ...config,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
    })
    // What uses the connection is told by its own call.
    this.on('error', () => {})
    this.on('notice', ({ routine }) => {
      if (routine === CANCELLED_WAIT) unconfirmed.add(this)
    })
  }

  override end(): Promise<void>
  override end(ended: (error: Error) => void): void
  override end(ended?: (error: Error) => void): Promise<void> | void {
    const late = setTimeout(() => this.connection?.stream.destroy(), GOODBYE_MS_MAX)
    this.once('end', () => clearTimeout(late))
    // The socket that it waits for keeps the process alive; it does not.
    late.unref()
    return ended === undefined ? super.end() : super.end(ended)
  }
}

/** Where PostgreSQL warns that a commit no longer waits for its synchronous standby; the text may be in any language. */
const CANCELLED_WAIT = 'SyncRepWaitForLSN'
const unconfirmed = new WeakSet<pg.ClientBase>()

/** Whether a commit on this connection ended its wait for the standby early since this was last asked. */
export function takeUnconfirmed(client: pg.ClientBase): boolean {
  return unconfirmed.delete(client)
}

/** The hosts of a URL, of which one is used until it fails. */
export interface Hosts {
  readonly count: number
  /** The URL of the host in use. */
  url(): string
  /** The host of this URL failed: the next one is used, unless somebody has moved on already. */
  leave(url: string): void
}

/** Throws INVALID_URL. */
export function openHosts(url: string): Hosts {
  const urls = urlsOfHosts(url) ?? [url]
  for (const one of urls) addressOf(one)
  let at = 0
  return {
    count: urls.length,
    url: () => urls[at] ?? url,
    leave: (failed) => {
      if (urls[at] === failed) at = (at + 1) % urls.length
    },
  }
}

/** The class of a pool's connections: each goes to the host that is in use when it is made. */
export function connectionsTo(hosts: Hosts): new (config: pg.ClientConfig) => pg.Client {
  return class extends Connection {
    constructor(config: pg.ClientConfig) {
      const url = hosts.url()
      super({ ...config, connectionString: url, connectionTimeoutMillis: CONNECT_MS_MAX })
      urls.set(this, url)
    }
  }
}

/** Where a connection of a pool leads, whichever host is in use meanwhile: the same process number is another's elsewhere. */
export function urlOf(client: pg.ClientBase): string | undefined {
  return urls.get(client)
}

const urls = new WeakMap<pg.ClientBase, string>()

/** One connection. Errors say what to do. */
export async function connect(url: string, config: pg.ClientConfig = {}): Promise<pg.Client> {
  return (await connectToOneOf(url, config)).client
}

/** A connection to the first host that takes one and that `check` does not refuse, and the URL of that host alone. */
export async function connectToOneOf(
  url: string,
  config: pg.ClientConfig,
  check: (client: pg.Client) => Promise<void> = async () => {},
): Promise<{ readonly client: pg.Client; readonly url: string }> {
  const hosts = openHosts(url)
  for (let tries = 1; ; tries++) {
    const connectionString = hosts.url()
    const client = new Connection({ ...config, connectionString })
    try {
      await client.connect()
      await check(client)
      return { client, url: connectionString }
    } catch (error) {
      void client.end().catch(() => undefined)
      const failure = connectFailure(error, addressOf(connectionString))
      if (tries === hosts.count || !isOfHost(failure)) throw failure
      hosts.leave(connectionString)
    }
  }
}

/** Another host may be better. */
export function isOfHost({ code }: DatabaseError): boolean {
  return code === 'UNREACHABLE' || code === 'READ_ONLY' || code === 'CONNECTION_LOST' || code === 'TIMED_OUT'
}

/** Throws INVALID_URL. */
export function addressOf(url: string): Address {
  try {
    const { host, port, user = '', database = '' } = new pg.Client({ connectionString: url })
    return { host, port, user, database }
  } catch (error) {
    throw new DatabaseError(
      'INVALID_URL',
      'DATABASE_URL is no PostgreSQL URL. Write postgres://user:password@host:port/database.',
      error instanceof Error ? error.name : undefined,
    )
  }
}
