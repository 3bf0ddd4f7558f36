import type { Relayed } from '../api/realtime/relay.ts'
import type { FigureValues } from '../api/siblings.ts'
import type { Lane } from '../core/capacity.ts'
import type { Serving } from './serving.ts'

/** What a worker serves, and as which one. */
export interface WorkerOrder {
  readonly worker: number
  /** So many are there. */
  readonly workers: number
  readonly databaseUrl: string
  readonly port: number
  /** Where the stand-in of Stripe is, where it takes the money. */
  readonly standInUrl: string | undefined
}

/** What one keeps for all; the answer is the seconds to wait, 0 where none. */
export type Question =
  | { readonly of: 'rate'; readonly lane: Lane; readonly network: string }
  | { readonly of: 'mail'; readonly address: string; readonly seconds: number }

/** To the process that started it. */
export type FromWorker =
  /** It listens to messages from now on. */
  | { readonly is: 'here' }
  | { readonly is: 'serving'; readonly serving: Serving }
  /** In words for an operator. */
  | { readonly is: 'failed'; readonly message: string }
  | { readonly is: 'questions'; readonly questions: readonly Question[] }
  /** Somebody scrapes. */
  | { readonly is: 'scrape' }
  | { readonly is: 'figures'; readonly round: number; readonly values: FigureValues }
  /** For the subscribers of all others. */
  | { readonly is: 'relay'; readonly message: Relayed }

/** To a worker. */
export type ToWorker =
  | { readonly is: 'order'; readonly order: WorkerOrder }
  /** In the order of the questions. */
  | { readonly is: 'answers'; readonly answers: readonly number[] }
  | { readonly is: 'read'; readonly round: number; readonly withDatabase: boolean }
  | { readonly is: 'scraped'; readonly text: string }
  | { readonly is: 'relayed'; readonly worker: number; readonly message: Relayed }
  /** One more serves: who is here? */
  | { readonly is: 'introduce' }
  | { readonly is: 'gone'; readonly worker: number }
  /** Accept nothing more, finish what was accepted, and end. */
  | { readonly is: 'stop' }
