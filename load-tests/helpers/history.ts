import exec from 'k6/execution'

/** What a user asks for: its verb, its idempotency key (of a booking without one the name), and what of it a checker compares with the answer. */
export interface Operation {
  readonly operation:
    | 'reserve'
    | 'release'
    | 'checkout'
    | 'pay'
    | 'refund'
    | 'cancel'
    | 'scan'
    | 'claim'
    | 'book'
  readonly key?: string
  readonly asked: Readonly<Record<string, unknown>>
  /** When an arrival rate meant it to start, in the milliseconds of {@link now}. */
  readonly intended?: number | undefined
}

/** HISTORY=1, with `--console-output <file> --log-format raw`: each operation is printed as one line of JSON. */
const isRecording = (__ENV['HISTORY'] ?? '') !== ''

/** Monotonic clock: milliseconds since the test began; 0 where nothing is recorded. */
export function now(): number {
  return isRecording ? exec.instance.currentTestRunDuration : 0
}

/** When an arrival rate meant the iteration to start that is on its way, on the clock of {@link now}. */
export function intendedStart(perSecond: number): number {
  const { startTime, iterationInTest } = exec.scenario
  const lateMs = Date.now() - startTime - (iterationInTest / perSecond) * 1000
  // Both are whole milliseconds: nothing starts before it is meant to.
  return now() - Math.max(0, lateMs)
}

/** One line a request, with the answer as it came; whether it was done is judged by who reads the line. */
export function record(
  operation: Operation,
  call: number,
  status: number,
  read: () => Record<string, unknown>,
): void {
  if (!isRecording) return
  const returned = now()
  const [answer = {}] = [read()].flat()
  const { success, code, error_code, outcome, already_scanned, error } = answer
  console.log(
    JSON.stringify({
      version: 1,
      ...operation,
      process: exec.vu.idInTest,
      call,
      return: returned,
      // Ties the clock of this test to those of others.
      wall: Date.now(),
      status,
      success,
      code: code ?? error_code ?? outcome ?? (already_scanned === true ? 'ALREADY_USED' : codeIn(error)),
      answered: answeredIn(answer),
    }),
  )
}

/** Verbs call it so themselves; others write a sentence there. */
function codeIn(error: unknown): string | undefined {
  return typeof error === 'string' && /^[A-Z_]+$/.test(error) ? error : undefined
}

/** What was made, under one name whatever the endpoint calls it. */
function answeredIn(answer: Record<string, unknown>): object {
  const { orderId, order_id, session_id, hold_id, hold_ids, released, qrType, details } = answer
  const { claimId, reservation_id } = answer
  const passOf = (type: string) =>
    qrType === type ? (details as Record<string, unknown> | null)?.['id'] : undefined
  return {
    order: orderId ?? order_id,
    session: session_id,
    holds: hold_ids ?? (hold_id === undefined ? undefined : [hold_id]),
    released,
    ticket: passOf('ticket'),
    claim: claimId ?? passOf('claim'),
    booking: reservation_id ?? passOf('booking'),
  }
}
