/** How long and how hard a run is. Times in seconds. */
export interface Profile {
  readonly name: string
  /** Factor on every limit of an answer's time in the scripts: a machine that runs everything at once is slow. */
  readonly patience: number
  /** Buyers who press "buy" at the same moment. */
  readonly buyers: number
  /** Tickets that the scanners have to themselves, and their pause between two. */
  readonly scannerTickets: number
  readonly scannerPause: number
  readonly raceStart: number
  /** Scans of five scanners, and each one's pause between two. */
  readonly stress: { readonly scans: number; readonly pause: number }
  /** Scans a second at ten scanners, for how long, and the tickets for them; no tickets, no rush. */
  readonly rush: { readonly rate: number; readonly seconds: number; readonly tickets: number }
  /** Tickets at gates of which half are offline, and each gate's pause between two scans. */
  readonly offline: { readonly tickets: number; readonly pause: number }
  /** Guests with accounts who claim an offer or book a slot. */
  readonly guests: number
  /** Guests who come in growing numbers, how long that takes, and their pause before they look at their order. */
  readonly flow: { readonly seconds: number; readonly pause: number }
  /** Buyers who pay, within how long they arrive, and how long they wait for their tickets. */
  readonly purchase: {
    readonly buyers: number
    readonly arrivalSeconds: number
    readonly waitSeconds: number
  }
  /** Payments that are reported, and within how long. */
  readonly burst: { readonly events: number; readonly seconds: number }
  /** Orders under faults; with few of them not everything that can go wrong does. */
  readonly chaos: {
    readonly orders: number
    readonly everything: boolean
    /** In milliseconds; a bound of the run's own where it is not given. */
    readonly quietMsMax?: number
  }
  /** So often server and PostgreSQL are killed at once. */
  readonly deaths: number
  /** pgbench: clients, threads and length of the database scenarios. */
  readonly reserve: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly churn: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly serializable: { readonly clients: number; readonly threads: number; readonly seconds: number }
}

/** No tickets, no rush: a machine that runs everything at once says little about a rate. */
const NO_RUSH = { rate: 500, seconds: 0, tickets: 0 }

export const PROFILES = {
  quick: {
    name: 'quick',
    patience: 4,
    buyers: 200,
    scannerTickets: 200,
    scannerPause: 0.05,
    raceStart: 3,
    stress: { scans: 500, pause: 0 },
    rush: NO_RUSH,
    offline: { tickets: 100, pause: 0.02 },
    guests: 40,
    flow: { seconds: 5, pause: 1 },
    purchase: { buyers: 100, arrivalSeconds: 4, waitSeconds: 30 },
    burst: { events: 50, seconds: 3 },
    chaos: { orders: 40, everything: false },
    deaths: 1,
    reserve: { clients: 50, threads: 10, seconds: 3 },
    serializable: { clients: 100, threads: 20, seconds: 3 },
    churn: { clients: 20, threads: 4, seconds: 2 },
  },
  full: {
    name: 'full',
    patience: 1,
    buyers: 200,
    scannerTickets: 600,
    scannerPause: 1,
    raceStart: 65,
    // Five scanners, three minutes.
    stress: { scans: 500, pause: 1.8 },
    rush: { rate: 500, seconds: 20, tickets: 600 },
    offline: { tickets: 500, pause: 0.5 },
    guests: 200,
    flow: { seconds: 70, pause: 2 },
    purchase: { buyers: 100, arrivalSeconds: 10, waitSeconds: 30 },
    burst: { events: 50, seconds: 10 },
    chaos: { orders: 2_000, everything: true },
    deaths: 5,
    reserve: { clients: 50, threads: 10, seconds: 30 },
    serializable: { clients: 100, threads: 20, seconds: 60 },
    churn: { clients: 20, threads: 4, seconds: 30 },
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
