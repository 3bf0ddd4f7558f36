import type { Caller } from '../../db/call.ts'
import type { Change } from '../../db/feed.ts'
import type { Binding } from './bindings.ts'
import type { Member } from './hub.ts'

/** Somebody who hears of changes. */
export interface Subscriber extends Member {
  readonly topic: string
  /** In whose name rows are looked at; it changes with the token. */
  readonly caller: Caller
  readonly bindings: readonly Binding[]
  /** Changes were missed: join again. */
  lost(reason: string): void
}

/** Who listens to what: an index of subscribers by binding, so that a binding is tested once a change, whoever shares it. */
export interface Audience {
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
  all(): readonly Subscriber[]
  /** Who asked for a change, with the ids of the bindings that it fits. */
  of(change: Change): ReadonlyMap<Subscriber, readonly number[]>
  clear(): void
}

interface Entry {
  readonly binding: Binding
  readonly subscribers: Set<Subscriber>
}

const EVERY_TABLE = '*'

export function openAudience(): Audience {
  const subscribers = new Set<Subscriber>()
  const tables = new Map<string, Map<number, Entry>>()
  const tableOf = ({ asked }: Binding) => asked.table ?? EVERY_TABLE
  const add = (binding: Binding, subscriber: Subscriber) => {
    const entries = tables.get(tableOf(binding)) ?? new Map<number, Entry>()
    const entry = entries.get(binding.id) ?? { binding, subscribers: new Set() }
    tables.set(tableOf(binding), entries.set(binding.id, entry))
    entry.subscribers.add(subscriber)
  }
  const remove = (binding: Binding, subscriber: Subscriber) => {
    const entries = tables.get(tableOf(binding))
    const entry = entries?.get(binding.id)
    entry?.subscribers.delete(subscriber)
    if (entry?.subscribers.size === 0) entries?.delete(binding.id)
    if (entries?.size === 0) tables.delete(tableOf(binding))
  }
  return {
    add: (subscriber) => {
      subscribers.add(subscriber)
      for (const binding of subscriber.bindings) add(binding, subscriber)
    },
    remove: (subscriber) => {
      subscribers.delete(subscriber)
      for (const binding of subscriber.bindings) remove(binding, subscriber)
    },
    all: () => [...subscribers],
    of: (change) => {
      const hearers = new Map<Subscriber, number[]>()
      for (const table of [change.table, EVERY_TABLE]) {
        for (const { binding, subscribers: asking } of tables.get(table)?.values() ?? []) {
          if (binding.matches(change)) for (const one of asking) push(hearers, one, binding.id)
        }
      }
      return hearers
    },
    clear: () => {
      subscribers.clear()
      tables.clear()
    },
  }
}

function push(hearers: Map<Subscriber, number[]>, subscriber: Subscriber, id: number): void {
  const ids = hearers.get(subscriber)
  if (ids === undefined) hearers.set(subscriber, [id])
  else ids.push(id)
}
