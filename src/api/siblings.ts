import type { Lane } from '../core/capacity.ts'
import type { Relay } from './realtime/relay.ts'

/** What one process of a server shares with the others that serve the same port, as it sees them. */
export interface Siblings {
  /** Which of them this is; stands in every line of its log. */
  readonly worker: number
  /** Token buckets of all of them together: whether one more request of this network is answered now. */
  spend(lane: Lane, network: string): Promise<boolean>
  /** Seconds that are left of a mail address's pause, which all of them keep; where 0 are, one of so many begins. */
  pause(address: string, seconds: number): Promise<number>
  /** Takes what reads the figures of this process, and gives what reads those of all, as Prometheus wants them. */
  gather(own: ReadFigures): () => Promise<string>
  /** Broadcasts and presence of subscribers. */
  readonly relay: Relay
}

/** The figures of one process as values that can be added up; what only the database knows is read where it is asked for. */
export type ReadFigures = (withDatabase: boolean) => Promise<FigureValues>

/** As prom-client writes them. */
export type FigureValues = readonly object[]
