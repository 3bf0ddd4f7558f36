import { type Entry, entriesOf, type PresenceDiff, type PresenceState, stateOf } from './presence.ts'

/** Who is there at the other processes of the same server, topic by topic. */
export interface Elsewhere {
  /** Takes what one of them told, and gives what of it is new. */
  apply(worker: number, key: string, diff: PresenceDiff): PresenceDiff | undefined
  at(key: string): readonly Entry[]
  /** It ended: who left with it, by topic. */
  forget(worker: number): ReadonlyMap<string, PresenceDiff>
}

export function openElsewhere(): Elsewhere {
  /** By topic, then by the meta's reference, which is nobody else's. */
  const topics = new Map<string, Map<string, Entry & { readonly worker: number }>>()
  const remove = (key: string, left: readonly Entry[]) => {
    const entries = topics.get(key)
    const gone = left.filter(({ meta }) => entries?.delete(meta.phx_ref) === true)
    if (entries?.size === 0) topics.delete(key)
    return gone
  }
  return {
    apply: (worker, key, { joins, leaves }) => {
      const gone = remove(key, entriesOf(leaves))
      const entries = topics.get(key) ?? new Map<string, Entry & { readonly worker: number }>()
      const come = entriesOf(joins).filter(({ meta }) => !entries.has(meta.phx_ref))
      for (const entry of come) entries.set(entry.meta.phx_ref, { ...entry, worker })
      if (entries.size > 0) topics.set(key, entries)
      return diffOf(stateOf(come), stateOf(gone))
    },
    at: (key) => [...(topics.get(key)?.values() ?? [])],
    forget: (worker) => {
      const left = new Map<string, PresenceDiff>()
      for (const [key, entries] of [...topics]) {
        const gone = remove(
          key,
          [...entries.values()].filter((entry) => entry.worker === worker),
        )
        const diff = diffOf({}, stateOf(gone))
        if (diff !== undefined) left.set(key, diff)
      }
      return left
    },
  }
}

function diffOf(joins: PresenceState, leaves: PresenceState): PresenceDiff | undefined {
  return Object.keys(joins).length + Object.keys(leaves).length > 0 ? { joins, leaves } : undefined
}
