import { ISOLATION_LEVELS, type IsolationLevel } from './interleaving/race.ts'
import type { StageResult } from './results.ts'

/** How long and how hard a run is. Times in seconds. */
export interface Profile {
  readonly name: string
  /** Of each of the faults that are repeated, where a number was asked for. */
  readonly runs?: number
  /** Every scenario is part of it; else the long ones are left out, unless they are asked for by name. */
  readonly isWhole: boolean
  /** Factor on every limit of an answer's time in the scripts: a machine that runs everything at once is slow. */
  readonly patience: number
  /** Buyers who press "buy" at the same moment. */
  readonly buyers: number
  /** Last tickets for which two buyers each press "buy" at the same moment. */
  readonly duels: number
  /** How long carts that are left are held, how often buyers ask meanwhile, and how long after that they still do. */
  readonly carts: { readonly seconds: number; readonly askSeconds: number; readonly patienceSeconds: number }
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
  /** Sales of each of five tills, the pause between two, and how long a dashboard waits for the last of them. */
  readonly dashboard: { readonly sales: number; readonly pause: number; readonly waitSeconds: number }
  /** Guests who come in growing numbers, how long that takes, and their pause before they look at their order. */
  readonly flow: { readonly seconds: number; readonly pause: number }
  /** Buyers who pay, within how long they arrive, and how long they wait for their tickets. */
  readonly purchase: {
    readonly buyers: number
    readonly arrivalSeconds: number
    readonly waitSeconds: number
  }
  /** How long buyers ask for places that are given back, and how often. */
  readonly resale: { readonly askingSeconds: number; readonly askSeconds: number }
  /** Buyers of an event that is cancelled, within how long they come, and how long the house waits until all money is back. */
  readonly cancellation: {
    readonly buyers: number
    readonly arrivalSeconds: number
    readonly waitSeconds: number
  }
  /** How long buyers ask for places whose payments come late, and how often; with holds of seconds. */
  readonly lastSecond: { readonly askingSeconds: number; readonly askSeconds: number }
  /** Payments that are reported, and within how long. */
  readonly burst: { readonly events: number; readonly seconds: number }
  /** Isolation levels under which the orders of a race are stepped through. */
  readonly isolations: readonly IsolationLevel[]
  /** Orders under faults; with few of them not everything that can go wrong does. */
  readonly chaos: {
    readonly orders: number
    readonly everything: boolean
    /** In milliseconds; a bound of the run's own where it is not given. */
    readonly quietMsMax?: number
  }
  /** So often server and PostgreSQL are killed at once, and a primary whose standby takes over. */
  readonly deaths: number
  readonly failovers: number
  /** Runs of faults that a seed picks. */
  readonly faultRuns: number
  /** pgbench: clients, threads and length of the database scenarios. */
  readonly reserve: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly churn: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly serializable: { readonly clients: number; readonly threads: number; readonly seconds: number }
  readonly mixed: { readonly clients: number; readonly threads: number; readonly seconds: number }
  /** Only these stages; all where it is absent. */
  readonly stages?: readonly StageResult['name'][]
  /** In place of the scenarios over HTTP: load for so long, by so many users of each story. A minute is shorter in tests. */
  readonly soak?: { readonly minutes: number; readonly users: number; readonly minuteMs: number }
}

/** No tickets, no rush: a machine that runs everything at once says little about a rate. */
const NO_RUSH = { rate: 500, seconds: 0, tickets: 0 }

const LENGTHS = {
  quick: {
    name: 'quick',
    isWhole: false,
    patience: 4,
    buyers: 200,
    duels: 50,
    carts: { seconds: 60, askSeconds: 2, patienceSeconds: 10 },
    scannerTickets: 200,
    scannerPause: 0.02,
    raceStart: 2,
    stress: { scans: 500, pause: 0 },
    rush: NO_RUSH,
    offline: { tickets: 100, pause: 0.02 },
    guests: 40,
    dashboard: { sales: 4, pause: 0.4, waitSeconds: 30 },
    flow: { seconds: 4, pause: 1 },
    purchase: { buyers: 100, arrivalSeconds: 2.5, waitSeconds: 30 },
    resale: { askingSeconds: 30, askSeconds: 1 },
    cancellation: { buyers: 100, arrivalSeconds: 10, waitSeconds: 120 },
    lastSecond: { askingSeconds: 15, askSeconds: 0.5 },
    burst: { events: 50, seconds: 2 },
    isolations: ['read committed'],
    chaos: { orders: 40, everything: false },
    deaths: 1,
    failovers: 1,
    faultRuns: 1,
    reserve: { clients: 50, threads: 10, seconds: 2 },
    serializable: { clients: 100, threads: 20, seconds: 2 },
    churn: { clients: 20, threads: 4, seconds: 2 },
    mixed: { clients: 50, threads: 10, seconds: 10 },
  },
  full: {
    name: 'full',
    isWhole: true,
    patience: 1,
    buyers: 200,
    duels: 500,
    carts: { seconds: 60, askSeconds: 2, patienceSeconds: 10 },
    scannerTickets: 600,
    scannerPause: 1,
    raceStart: 65,
    // Five scanners, three minutes.
    stress: { scans: 500, pause: 1.8 },
    rush: { rate: 500, seconds: 20, tickets: 500 },
    offline: { tickets: 500, pause: 0.5 },
    guests: 200,
    dashboard: { sales: 40, pause: 1.5, waitSeconds: 30 },
    flow: { seconds: 70, pause: 2 },
    purchase: { buyers: 100, arrivalSeconds: 10, waitSeconds: 30 },
    resale: { askingSeconds: 30, askSeconds: 1 },
    cancellation: { buyers: 100, arrivalSeconds: 10, waitSeconds: 120 },
    lastSecond: { askingSeconds: 15, askSeconds: 0.5 },
    burst: { events: 50, seconds: 10 },
    isolations: ISOLATION_LEVELS,
    chaos: { orders: 2_000, everything: true },
    deaths: 5,
    failovers: 3,
    faultRuns: 10,
    reserve: { clients: 50, threads: 10, seconds: 30 },
    serializable: { clients: 100, threads: 20, seconds: 60 },
    churn: { clients: 20, threads: 4, seconds: 30 },
    mixed: { clients: 50, threads: 10, seconds: 30 },
  },
} as const satisfies Record<string, Profile>

export const PROFILES = {
  ...LENGTHS,
  soak: {
    ...LENGTHS.quick,
    name: 'soak',
    stages: ['preflight', 'protections', 'functional', 'http', 'health', 'judgement'],
    soak: { minutes: 30, users: 10, minuteMs: 60_000 },
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES

/** So many runs of each of the faults that are repeated. */
export function runsOf(runs: number): Pick<Profile, 'deaths' | 'failovers' | 'faultRuns'> {
  return { deaths: runs, failovers: runs, faultRuns: runs }
}
