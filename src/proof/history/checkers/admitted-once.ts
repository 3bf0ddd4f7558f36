import { passOf } from '../lookup.ts'
import { type Checker, found, witnessOf } from './checker.ts'

/** Mutual exclusion at the gates: of all who were told that a ticket, a claim or a booking opens, one was. */
export const admittedOnce: Checker = {
  name: 'admitted-once',
  promise: 'nobody is admitted twice with one ticket, claim or booking',
  what: 'codes that opened a gate',
  look: ({ operations, ledger }) => {
    const entries = operations.filter(
      (scan) => scan.operation === 'scan' && scan.outcome === 'ok' && passOf(scan) !== undefined,
    )
    const byPass = Map.groupBy(entries, passOf)
    const wrong = [...byPass].flatMap(([pass = '', scans]) => {
      const rows = ledger.scansOfTicket(pass)
      const apart = new Set(scans.map(({ key }, at) => key ?? at))
      if (apart.size === 1 && rows.length <= 1) return []
      return [witnessOf('one code opened the gates several times', scans, rows)]
    })
    return found(byPass.size, wrong)
  },
}
