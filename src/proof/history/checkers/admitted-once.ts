import type { Operation } from '../format.ts'
import { type Checker, judged, witnessOf } from './checker.ts'

/** Mutual exclusion at the gates: of all who were told that a ticket opens, one was. */
export const admittedOnce: Checker = {
  name: 'admitted-once',
  promise: 'nobody is admitted twice with one ticket',
  judge: ({ history, of }) => {
    const entries = history.operations.filter(
      ({ operation, outcome, asked, answered }) =>
        operation === 'scan' && outcome === 'ok' && (answered.ticket ?? asked.ticket) !== undefined,
    )
    const byTicket = Map.groupBy(entries, ticketOf)
    const wrong = [...byTicket.values()].flatMap((scans) => {
      const [first] = scans
      if (first === undefined) return []
      const rows = of(first.database).scansOfTicket(first.answered.ticket ?? first.asked.ticket ?? '')
      const apart = new Set(scans.map(({ key }, at) => key ?? at))
      if (apart.size === 1 && rows.length <= 1) return []
      return [witnessOf('one ticket opened the gates several times', scans, rows)]
    })
    return judged(byTicket.size, 'tickets that opened a gate', wrong)
  },
}

function ticketOf({ database, asked, answered }: Operation): string {
  return `${database} ${answered.ticket ?? asked.ticket}`
}
