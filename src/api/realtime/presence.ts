import { randomBytes } from 'node:crypto'

type Meta = Readonly<Record<string, unknown>> & { readonly phx_ref: string }

export interface PresenceDiff {
  readonly joins: PresenceState
  readonly leaves: PresenceState
}

/** Who is there, by key: each socket that tracks itself is one meta under its key. */
export interface Presence {
  /** What changed. */
  track(owner: object, key: string, payload: Readonly<Record<string, unknown>>): PresenceDiff
  untrack(owner: object): PresenceDiff | undefined
  state(): PresenceState
}

/** Who is there, by key. */
export type PresenceState = Readonly<Record<string, { readonly metas: readonly Meta[] }>>

export interface Entry {
  readonly key: string
  readonly meta: Meta
}

export function openPresence(): Presence {
  const entries = new Map<object, Entry>()
  return {
    track: (owner, key, payload) => {
      const before = entries.get(owner)
      const ref = randomBytes(9).toString('base64url')
      const meta: Meta = {
        ...payload,
        phx_ref: ref,
        ...(before === undefined ? {} : { phx_ref_prev: before.meta.phx_ref }),
      }
      entries.set(owner, { key, meta })
      return {
        joins: { [key]: { metas: [meta] } },
        leaves: before === undefined ? {} : { [before.key]: { metas: [before.meta] } },
      }
    },
    untrack: (owner) => {
      const before = entries.get(owner)
      entries.delete(owner)
      return before === undefined
        ? undefined
        : { joins: {}, leaves: { [before.key]: { metas: [before.meta] } } }
    },
    state: () => stateOf(entries.values()),
  }
}

/** All of them by key. */
export function stateOf(entries: Iterable<Entry>): PresenceState {
  const state: Record<string, { metas: Meta[] }> = Object.create(null)
  for (const { key, meta } of entries) {
    state[key] ??= { metas: [] }
    state[key].metas.push(meta)
  }
  return state
}

/** The other way round. */
export function entriesOf(state: PresenceState): readonly Entry[] {
  return Object.entries(state).flatMap(([key, { metas }]) => metas.map((meta) => ({ key, meta })))
}
