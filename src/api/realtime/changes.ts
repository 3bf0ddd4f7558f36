import type { Log } from '../../core/log.ts'
import { type Change, type Feed, type FeedListener, feedObstacle, openFeed } from '../../db/feed.ts'
import type { Database } from '../../db/pool.ts'
import type { Catalogue } from '../rest/catalogue.ts'
import { type Audience, openAudience, type Subscriber } from './audience.ts'
import { type Asked, deliver } from './delivery.ts'
import type { Hub } from './hub.ts'

export interface Changes {
  /** Why nobody can hear of changes here; undefined where they can. Asked once, at start. */
  readonly obstacle: string | undefined
  /**
   * From when it is fulfilled on, no change is missed; it rejects where the database does not answer. Who listens to no table waits
   * for what SQL sends alone, and is let in without.
   */
  subscribe(subscriber: Subscriber): Promise<void>
  unsubscribe(subscriber: Subscriber): void
  close(): Promise<void>
}

export interface ChangesOptions {
  readonly database: Database
  readonly databaseUrl: string
  readonly catalogue: Catalogue
  readonly hub: Hub
  readonly log: Log
}

/** PostgreSQL decodes for nobody: without subscribers the feed ends after this. */
const IDLE_MS = 30_000
const READY_MS_MAX = 8_000
const READY_FOR_SQL_MS_MAX = 2_000
/** Changes that wait to be looked at; beyond it subscribers join again. */
const WAITING_MAX = 50_000
/** Changes that are looked at and delivered at once, and how many subscribers all of them together have. */
const BATCH_MAX = 500
const HEARERS_MAX = 20_000

/** Delivers what the feed brings to whoever may see it, in the order of commits. */
export async function openChanges(options: ChangesOptions): Promise<Changes> {
  const obstacle = await feedObstacle(options.database)
  const audience = openAudience()
  const delivery = openDelivery(audience, options)
  const feeding = openFeeding(options.databaseUrl, {
    commit: (changes) => {
      for (const change of changes) if (change.schema === 'realtime') sendFromSql(change, options.hub)
      delivery.add(changes.filter(({ schema }) => schema === 'public'))
    },
    lost: (reason) => {
      options.log('warn', 'realtime_feed_lost', { message: reason })
      delivery.drop('changes were missed: the feed was lost')
    },
  })
  return {
    obstacle,
    subscribe: async (subscriber) => {
      const isListening = subscriber.bindings.length > 0
      if (isListening) audience.add(subscriber)
      if (obstacle !== undefined) return
      const ready = feeding.hold(subscriber)
      if (isListening) await within(READY_MS_MAX, ready)
      else await within(READY_FOR_SQL_MS_MAX, ready).catch(() => undefined)
    },
    unsubscribe: (subscriber) => {
      audience.remove(subscriber)
      feeding.release(subscriber)
    },
    close: async () => {
      audience.clear()
      await feeding.close()
    },
  }
}

interface Delivery {
  add(changes: readonly Change[]): void
  /** What waits is not delivered any more, and subscribers join again. */
  drop(reason: string): void
}

/** One batch at a time: what comes while the database is asked waits for the next. */
function openDelivery(audience: Audience, options: ChangesOptions): Delivery {
  let waiting: Change[] = []
  let isWorking = false
  const drop = (reason: string) => {
    waiting = []
    for (const subscriber of audience.all()) subscriber.lost(reason)
  }
  const work = async () => {
    if (isWorking) return
    isWorking = true
    while (waiting.length > 0) {
      const batch = nextBatch(waiting, audience)
      waiting.splice(0, batch.length)
      await deliver(batch, options).catch((error: Error) => {
        options.log('warn', 'realtime_failed', { message: error.message })
        drop('the database could not be asked who may see a change')
      })
    }
    isWorking = false
  }
  return {
    drop,
    add: (changes) => {
      waiting.push(...changes)
      if (waiting.length > WAITING_MAX) drop('too many changes at once')
      else void work()
    },
  }
}

/** The first of what waits, with who asked for it: a statement grows with both, and so does the time that writing it takes. */
function nextBatch(waiting: readonly Change[], audience: Audience): readonly Asked[] {
  const batch: Asked[] = []
  let hearers = 0
  for (const change of waiting) {
    if (batch.length === BATCH_MAX || hearers >= HEARERS_MAX) break
    const asking = audience.of(change)
    hearers += asking.size
    batch.push({ change, asking })
  }
  return batch
}

interface Feeding {
  /** Fulfilled once nothing is missed. */
  hold(owner: object): Promise<void>
  release(owner: object): void
  close(): Promise<void>
}

/** The feed, as long as somebody holds it. */
function openFeeding(url: string, { commit, lost }: Pick<FeedListener, 'commit' | 'lost'>): Feeding {
  const holders = new Set<object>()
  let feed: Feed | undefined
  let ready = Promise.withResolvers<void>()
  let isReady = false
  let idle: NodeJS.Timeout | undefined

  const unready = () => {
    if (isReady) ready = Promise.withResolvers<void>()
    isReady = false
  }
  const start = () => {
    feed ??= openFeed(url, {
      ready: () => {
        isReady = true
        ready.resolve()
      },
      commit,
      lost: (reason) => {
        unready()
        lost(reason)
      },
    })
  }
  const end = () => {
    idle = undefined
    if (holders.size > 0) return
    const ending = feed
    feed = undefined
    unready()
    void ending?.stop()
  }
  return {
    hold: (owner) => {
      holders.add(owner)
      start()
      return ready.promise
    },
    release: (owner) => {
      if (!holders.delete(owner) || holders.size > 0) return
      idle ??= setTimeout(end, IDLE_MS).unref()
    },
    close: async () => {
      clearTimeout(idle)
      await feed?.stop()
    },
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the database does not answer')), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** `realtime.send`: a row of realtime.messages is a broadcast. */
function sendFromSql({ type, record }: Change, hub: Hub): void {
  const { topic, event, payload, extension, id } = record ?? {}
  if (type !== 'INSERT' || extension !== 'broadcast' || !topic || !event) return
  const isPrivate = record?.['private'] === 't'
  const body = payload === null || payload === undefined ? {} : JSON.parse(payload)
  hub.broadcastHere(`realtime:${topic}`, isPrivate, {
    type: 'broadcast',
    event,
    payload: body,
    meta: { id },
  })
}
