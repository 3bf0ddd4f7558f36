import type { PresenceDiff } from './presence.ts'

/** What the subscribers of one process did, for those of the others; `key` is the topic's, as the hub knows it. */
export type Relayed =
  | { readonly is: 'broadcast'; readonly key: string; readonly payload: unknown }
  | { readonly is: 'presence'; readonly key: string; readonly diff: PresenceDiff }

/** The way to the other processes of the same server, in order. */
export interface Relay {
  send(message: Relayed): void
  /** Who hears of theirs from now on. */
  listen(listener: RelayListener): void
}

export interface RelayListener {
  heard(worker: number, message: Relayed): void
  /** One is new: it is told who is here. */
  introduce(): void
  /** It ended, and whoever was there with it. */
  gone(worker: number): void
}
