import { appendFileSync, createReadStream, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Header, HISTORY_SCHEMA, type LedgerRow, type Operation } from './format.ts'
import { type Answer, outcomeOf } from './outcome.ts'

/** The history of a run while it is written: one file, of operations first and then of the ledger. */
export interface History {
  readonly file: string
  /** Milliseconds from the run's start, by the one clock of the run. */
  readonly now: () => number
  /** Who writes down what a scenario's users do; `database` names the ledger that has it. */
  openRecorder(scenario: string, database: string): Recorder
  /** Events of a database whose rows are the ledger of what was recorded there. */
  readonly events: ReadonlyMap<string, ReadonlySet<string>>
  addRows(rows: readonly LedgerRow[]): void
  /** Nothing comes after it. False where nothing was recorded: then there is no file. */
  close(): boolean
}

export interface Recorder {
  /** Whose ledger has what it takes down. */
  readonly database: string
  readonly now: () => number
  record(process: string, answer: Answer): void
  /** A fault begins; what it gives ends it. Operations that were on their way meanwhile bear its name. */
  beginFault(name: string): () => void
  /** The event whose rows are exported when all is over. */
  keepLedger(eventId: string): void
  /** Takes over what a k6 script printed into a file, line by line; gives how many operations that were. */
  readConsole(file: string): Promise<number>
}

/** The ledger of the database that the run's server sells from; others bear the name of their scenario. */
export const MAIN = 'main'

/** Takes nothing down. */
export const NO_RECORDER: Recorder = {
  database: '',
  now: () => 0,
  record: () => {},
  beginFault: () => () => {},
  keepLedger: () => {},
  readConsole: async () => 0,
}

interface RunFacts {
  readonly folder: string
  readonly seed: number
  readonly run: { readonly id: string; readonly command: string; readonly startedAt: Date }
}

const BUFFERED_CHARS_MAX = 65_536

/** Nothing is written before the first operation. */
export function openHistory({ folder, seed, run }: RunFacts): History {
  const file = join(folder, 'history.ndjson')
  const startedMs = performance.now() - (Date.now() - run.startedAt.getTime())
  const now = () => performance.now() - startedMs
  const first: Header = {
    history: HISTORY_SCHEMA,
    run: run.id,
    seed,
    command: run.command,
    startedAt: run.startedAt.toISOString(),
  }
  const events = new Map<string, Set<string>>()
  const output = openLines(file, first)
  const counts = { operations: 0, rows: 0 }
  const addOperation = (operation: Operation) => {
    counts.operations++
    output.write(operation)
  }
  return {
    file,
    now,
    events,
    addRows: (rows) => {
      counts.rows += rows.length
      rows.forEach(output.write)
    },
    close: () => {
      if (counts.operations === 0) return false
      output.write({ version: 1, end: true, ...counts })
      output.flush()
      return true
    },
    openRecorder: (scenario, database) =>
      openRecorder({
        scenario,
        database,
        now,
        write: addOperation,
        keep: (eventId) => keep(events, database, eventId),
      }),
  }
}

/** Appends to a file that begins with `first`, in large pieces. */
function openLines(file: string, first: Header) {
  let lines = `${JSON.stringify(first)}\n`
  const flush = () => {
    mkdirSync(dirname(file), { recursive: true })
    appendFileSync(file, lines)
    lines = ''
  }
  const write = (line: object) => {
    lines += `${JSON.stringify(line)}\n`
    if (lines.length > BUFFERED_CHARS_MAX) flush()
  }
  return { write, flush }
}

function keep(events: Map<string, Set<string>>, database: string, eventId: string): void {
  events.set(database, (events.get(database) ?? new Set()).add(eventId))
}

interface RecorderParts {
  readonly scenario: string
  readonly database: string
  readonly now: () => number
  readonly write: (operation: Operation) => void
  readonly keep: (eventId: string) => void
}

function openRecorder({ scenario, database, now, write, keep: keepLedger }: RecorderParts): Recorder {
  const faults: { readonly name: string; readonly from: number; to: number }[] = []
  const record = (process: string, answer: Answer) => {
    const { operation, key, asked, answered = {}, call, intended = call } = answer
    const fault = faults.find(({ from, to }) => from <= answer.return && call <= to)?.name
    write({
      version: 1,
      operation,
      process: `${scenario}/${process}`,
      ...(key === undefined ? {} : { key }),
      intended: rounded(intended),
      call: rounded(call),
      ...outcomeOf({ ...answer, return: rounded(answer.return) }),
      asked,
      answered,
      scenario,
      database,
      ...(fault === undefined ? {} : { fault }),
    })
  }
  return {
    database,
    now,
    record,
    keepLedger,
    beginFault: (name) => {
      const fault = { name, from: now(), to: Number.POSITIVE_INFINITY }
      faults.push(fault)
      return () => {
        fault.to = now()
      }
    },
    readConsole: (file) => readConsole(file, now, record),
  }
}

/** To microseconds: more digits than clocks and readers have. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** What a script's helper prints, beside whatever else it does. Times count from the start of its own test. */
interface Printed extends Answer {
  readonly process: number
  /** Wall clock, in whole milliseconds, just after `return`. */
  readonly wall: number
}

const PRINTED = '{"version":1,"operation":'

/** Clock offset: the wall clock is cut off to milliseconds, so that the largest difference is the nearest. */
async function readConsole(file: string, now: () => number, record: Recorder['record']): Promise<number> {
  const printed: Printed[] = []
  if (existsSync(file))
    for await (const line of createInterface({ input: createReadStream(file) }))
      if (line.startsWith(PRINTED)) printed.push(JSON.parse(line))
  const testBegan = printed.reduce((most, one) => Math.max(most, one.wall - one.return), 0)
  const offset = testBegan - wallClockAtZero(now)
  for (const { process, wall: _, ...answer } of printed) {
    const { call, return: returned, intended = call } = answer
    record(String(process), {
      ...answer,
      call: call + offset,
      return: returned + offset,
      intended: intended + offset,
    })
  }
  return printed.length
}

/** At the edge of a millisecond the wall clock is exact; the next one is a millisecond away at most. */
function wallClockAtZero(now: () => number): number {
  const before = Date.now()
  let edge = before
  while (edge === before) edge = Date.now()
  return edge - now()
}
