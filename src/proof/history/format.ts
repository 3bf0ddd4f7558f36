import { z } from 'zod'

/** The version of history.ndjson. A reader that knows another one refuses the file. */
export const HISTORY_SCHEMA = 'admit-once/history/1'

/** Milliseconds of the run's one monotonic clock, from the run's start. */
const ms = z.number()

/** The first line: which run it was, and how to run it again. */
export const header = z.strictObject({
  history: z.literal(HISTORY_SCHEMA),
  run: z.string(),
  seed: z.int(),
  command: z.string(),
  /** Wall clock at 0 ms. */
  startedAt: z.iso.datetime(),
})

/** What somebody asked for. A watcher reads a counter: of a tier, an offer, or a slot on one evening. */
const VERBS = [
  'reserve',
  'release',
  'checkout',
  'pay',
  'refund',
  'cancel',
  'scan',
  'claim',
  'book',
  'watch',
] as const

const asked = z.strictObject({
  event: z.string().optional(),
  /** Quantities by tier. */
  tiers: z.record(z.string(), z.int()).optional(),
  session: z.string().optional(),
  order: z.string().optional(),
  ticket: z.string().optional(),
  tickets: z.array(z.string()).optional(),
  device: z.string().optional(),
  tier: z.string().optional(),
  offer: z.string().optional(),
  claim: z.string().optional(),
  booking: z.string().optional(),
  /** A slot on one evening: `<id> <YYYY-MM-DD>`. */
  slot: z.string().optional(),
  business: z.string().optional(),
  /** The evening, YYYY-MM-DD, and the time, HH:MM: after midnight it is that evening's still. */
  date: z.string().optional(),
  time: z.string().optional(),
  /** People. */
  party: z.int().optional(),
})

const answered = z.strictObject({
  order: z.string().optional(),
  session: z.string().optional(),
  holds: z.array(z.string()).optional(),
  released: z.int().optional(),
  ticket: z.string().optional(),
  claim: z.string().optional(),
  booking: z.string().optional(),
  /** Places that were sold, held, claimed or booked. */
  taken: z.int().optional(),
})

/** One request, and what came of it. */
export const operation = z.strictObject({
  version: z.literal(1),
  operation: z.enum(VERBS),
  /** Who: the scenario and its user, buyer or scanner. */
  process: z.string(),
  /** Idempotency key; of a booking without one the name that it is in. */
  key: z.string().optional(),
  /** When it was meant to start, when it did, and when the answer was there; null: none came. */
  intended: ms,
  call: ms,
  return: ms.nullable(),
  /** ok: done. refused: surely not done. unknown: one of both. */
  outcome: z.enum(['ok', 'refused', 'unknown']),
  code: z.string(),
  asked,
  answered,
  scenario: z.string(),
  /** Whose ledger has it: a scenario may have a database of its own. */
  database: z.string(),
  /** The fault that was on while it was on its way. */
  fault: z.string().optional(),
})

const row = { version: z.literal(1), database: z.string(), id: z.string() }
/** Rows of one kind in the order in which the database made them: version 7 ids by its clock, ascending. */
const sequence = z.int()
/** Of a claim or a booking. */
const party = { key: z.string().nullable(), party: z.int(), status: z.string() }

/** The ledger: rows of the database, as they stand when all is over. */
export const ledgerRow = z.discriminatedUnion('row', [
  z.strictObject({ row: z.literal('event'), ...row, status: z.string() }),
  z.strictObject({ row: z.literal('tier'), ...row, event: z.string(), total: z.int() }),
  z.strictObject({
    row: z.literal('order'),
    ...row,
    sequence,
    event: z.string(),
    key: z.string().nullable(),
    session: z.string(),
    status: z.string(),
  }),
  z.strictObject({
    row: z.literal('hold'),
    ...row,
    sequence,
    tier: z.string(),
    order: z.string().nullable(),
    session: z.string(),
    quantity: z.int(),
    status: z.string(),
    /** When it is due, and when it ended. */
    due: ms,
    ended: ms.nullable(),
  }),
  z.strictObject({
    row: z.literal('ticket'),
    ...row,
    order: z.string(),
    tier: z.string(),
    status: z.string(),
    /** When its place was free again. */
    ended: ms.nullable(),
  }),
  /** Who is in with a ticket: the scan that opened a gate, or an offline one that was before it. */
  z.strictObject({
    row: z.literal('scan'),
    ...row,
    sequence,
    ticket: z.string(),
    device: z.string().nullable(),
  }),
  z.strictObject({ row: z.literal('payment'), ...row, order: z.string().nullable(), status: z.string() }),
  z.strictObject({
    row: z.literal('refund'),
    ...row,
    order: z.string(),
    status: z.string(),
    tickets: z.array(z.string()),
  }),
  /** Null: places without end. */
  z.strictObject({ row: z.literal('offer'), ...row, total: z.int().nullable() }),
  z.strictObject({ row: z.literal('claim'), ...row, sequence, offer: z.string(), ...party }),
  /** A slot on one evening, whose id has both. */
  z.strictObject({
    row: z.literal('slot'),
    ...row,
    business: z.string(),
    date: z.string(),
    /** HH:MM; one that ends at or before its start crosses midnight. */
    from: z.string(),
    to: z.string(),
    total: z.int(),
    partyMax: z.int(),
    /** Covers that one guest may book. */
    guestMax: z.int().nullable(),
  }),
  z.strictObject({ row: z.literal('booking'), ...row, sequence, slot: z.string(), ...party }),
])

/** The last line: how many there are of each. Without it the file was cut off. */
export const footer = z.strictObject({
  version: z.literal(1),
  end: z.literal(true),
  operations: z.int(),
  rows: z.int(),
})

export type Header = z.infer<typeof header>
export type Operation = Readonly<z.infer<typeof operation>>
export type Verb = Operation['operation']
export type LedgerRow = Readonly<z.infer<typeof ledgerRow>>
export type RowKind = LedgerRow['row']
export type RowOf<Kind extends RowKind> = Extract<LedgerRow, { row: Kind }>
