/** How long and how hard a run is. Times in seconds. */
export interface Profile {
  readonly name: string
  /** Buyers who press "buy" at the same moment. */
  readonly buyers: number
  /** Tickets that the scanners have to themselves, and their pause between two. */
  readonly scannerTickets: number
  readonly scannerPause: number
  readonly raceStart: number
  /** pgbench: clients, threads and length of the two database scenarios. */
  readonly reserve: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly serializable: { readonly clients: number; readonly threads: number; readonly seconds: number }
}

export const PROFILES = {
  quick: {
    name: 'quick',
    buyers: 200,
    scannerTickets: 200,
    scannerPause: 0.05,
    raceStart: 3,
    reserve: { clients: 50, threads: 10, seconds: 3 },
    serializable: { clients: 100, threads: 20, seconds: 3 },
  },
  documents: {
    name: 'documents',
    buyers: 200,
    scannerTickets: 600,
    scannerPause: 1,
    raceStart: 65,
    reserve: { clients: 50, threads: 10, seconds: 30 },
    serializable: { clients: 100, threads: 20, seconds: 60 },
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
