import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Among, type Calls, callOn, idOf, ticketsIn } from './call.ts'
import { type ScanAnswer, scan, undo } from './event.ts'
import type { Sale, Ticket } from './sale.ts'

/** Calls of the gate: scans, and scans that are taken back. */
export function gateCalls(): Calls {
  const at = fc.nat({ max: 11 })
  return [
    [10, at.map(scanCall)],
    [6, at.map((n) => undoCall(n, scannedIn))],
    [2, at.map((n) => undoCall(n, ticketsIn))],
  ]
}

const scanCall = (at: number) =>
  callOn('scan ticket', at, ticketsIn, async (sale, real, ticket) => {
    const [row] = await real.db.rows<ScanAnswer & { at: string }>(
      'select success, already_scanned, scanned_at::text as at from scan_ticket_atomic($1, $2)',
      [idOf(real.tickets, ticket), real.staffId],
    )
    if (row?.success) real.scannedAt.set(ticket, row.at)
    const answer = scan(sale, ticket)
    assert.deepEqual({ success: row?.success, already_scanned: row?.already_scanned }, answer)
    return `scan ${answer.success ? 'success' : answer.already_scanned ? 'already' : 'refused'}`
  })

const scannedIn = (sale: Readonly<Sale>) => ticketsIn(sale).filter((ticket) => ticket.scan !== 'none')

const undoCall = (at: number, among: Among<Ticket>) =>
  callOn('undo the scan of ticket', at, among, async (_, real, ticket) => {
    const told = await real.db.value<{ error?: string; replayed?: boolean }>(
      `select ticketing.undo_scan('ticket', $1, 'a mistake', null, null, $2::text::timestamptz)`,
      [idOf(real.tickets, ticket), real.scannedAt.get(ticket) ?? '2026-01-01Z'],
    )
    const answer = undo(ticket)
    assert.deepEqual([told.error, told.replayed], [answer.error, answer.replayed])
    return `undo ${answer.error ?? (answer.replayed ? 'replayed' : 'success')}`
  })
