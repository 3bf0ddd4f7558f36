import { count } from '../../../report/numbers.ts'
import type { Operation } from '../format.ts'
import { type Lookup, MADE } from '../lookup.ts'
import { cancelled } from './acknowledged-once.ts'
import { type Checker, type Findings, type Judgement, witnessOf } from './checker.ts'

/** In-doubt operations: each is looked up by its key, or by what it is about. A reading that got no answer says nothing. */
export const unknownResolved: Checker = {
  name: 'unknown-resolved',
  promise: 'every unknown outcome is resolved by its key, and none is left',
  what: 'unknown outcomes',
  look: (lookup) => {
    const unknown = lookup.operations.filter(
      ({ operation, outcome }) => outcome === 'unknown' && operation !== 'watch',
    )
    const fates = unknown.map((operation) => fateOf(operation, lookup))
    const left = unknown.filter((_, at) => fates[at] === 'unresolved')
    return {
      looked: unknown.length,
      wrong: left.length,
      done: fates.filter((fate) => fate === 'done').length,
      witness:
        left.length === 0 ? undefined : witnessOf('nothing says whether it was done', left.slice(0, 1)),
    }
  },
  judge: resolved,
}

type Fate = 'done' | 'not done' | 'unresolved'

function resolved({ looked, wrong, done = 0, witness }: Findings): Judgement {
  const detail = `${count(looked)} unknown: ${count(done)} done, ${count(looked - done - wrong)} not done, ${count(wrong)} left`
  return witness === undefined ? { verdict: 'PASS', detail } : { verdict: 'INCONCLUSIVE', detail, witness }
}

function fateOf(operation: Operation, lookup: Lookup): Fate {
  // A database without one row of an event was not exported.
  if (lookup.ledger.rows('event').length === 0) return 'unresolved'
  const evidence = evidenceOf(operation, lookup)
  return evidence === undefined ? 'unresolved' : evidence ? 'done' : 'not done'
}

/** Undefined: it carries nothing by which it can be found. */
function evidenceOf({ operation: verb, key, asked }: Operation, lookup: Lookup): boolean | undefined {
  const { ledger } = lookup
  const known = <T>(name: T | undefined, find: (name: T) => boolean) =>
    name === undefined ? undefined : find(name)
  switch (verb) {
    case 'checkout':
    case 'claim':
    case 'book':
      return known(key, (it) => ledger.byKey(MADE[verb], it).length > 0)
    case 'reserve':
      return known(asked.session, (it) => ledger.holdsOfSession(it).length > 0)
    case 'release':
      if (asked.claim !== undefined) return ledger.byId('claim', asked.claim)[0]?.status === 'released'
      return known(asked.session, (it) =>
        ledger.holdsOfSession(it).some(({ status }) => status === 'released'),
      )
    case 'pay':
      return known(asked.order, (it) => ledger.ofOrder('payment', it).length > 0)
    case 'refund':
      return known(asked.order, (it) => ledger.ofOrder('refund', it).length > 0)
    case 'cancel':
      return known(asked.booking ?? asked.order ?? asked.event, () => {
        const [row, ended] = cancelled(asked, lookup)
        return row?.status === ended
      })
    case 'scan':
      return known(asked.ticket, (it) =>
        ledger.scansOfTicket(it).some(({ device }) => device === (asked.device ?? null)),
      )
    case 'watch':
      return false
  }
}
