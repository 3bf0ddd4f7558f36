/** What the library of a guest may ask for: each operation takes the values of one question; a promise blocks the guest. */
export type Operations = Readonly<Record<string, (...values: never[]) => unknown>>

/** How operations reach the guest that asks: an event is handled when the guest has time. */
export interface Events {
  push(event: object): void
  /** Calls back when a call of the guest is over, and all that was under way with it. */
  whenOver(forget: () => void): void
}
