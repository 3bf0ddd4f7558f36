import { count } from '../../report/words.ts'
import type { Operation } from '../format.ts'
import type { Ledger, Lookup } from '../lookup.ts'
import { type Checker, type Judgement, witnessOf } from './checker.ts'

/** In-doubt operations: each is looked up by its key, or by what it is about. A reading that got no answer says nothing. */
export const unknownResolved: Checker = {
  name: 'unknown-resolved',
  promise: 'every unknown outcome is resolved by its key, and none is left',
  judge: (lookup) => {
    const unknown = lookup.history.operations.filter(
      ({ operation, outcome }) => outcome === 'unknown' && operation !== 'watch',
    )
    if (unknown.length === 0)
      return { verdict: 'NOT APPLICABLE', detail: 'the history has no unknown outcomes' }
    return resolved(unknown.map((operation) => [operation, resolve(operation, lookup)] as const))
  },
}

type Fate = 'done' | 'not done' | 'unresolved'

function resolved(fates: readonly (readonly [Operation, Fate])[]): Judgement {
  const of = (wanted: Fate) => fates.filter(([, fate]) => fate === wanted)
  const left = of('unresolved').map(([operation]) => operation)
  const detail = `${count(fates.length)} unknown: ${count(of('done').length)} done, ${count(of('not done').length)} not done, ${count(left.length)} left`
  if (left.length === 0) return { verdict: 'PASS', detail }
  return {
    verdict: 'INCONCLUSIVE',
    detail,
    witness: witnessOf('nothing says whether it was done', left.slice(0, 1)),
  }
}

function resolve({ operation, key, asked, database }: Operation, lookup: Lookup): Fate {
  const ledger = lookup.of(database)
  // A database without one row of an event was not exported.
  if (ledger.rows('event').length === 0) return 'unresolved'
  const evidence = evidenceOf(operation, key, asked, ledger)
  return evidence === undefined ? 'unresolved' : evidence ? 'done' : 'not done'
}

/** Undefined: it carries nothing by which it can be found. */
function evidenceOf(
  verb: Operation['operation'],
  key: string | undefined,
  asked: Operation['asked'],
  ledger: Ledger,
): boolean | undefined {
  const known = <T>(name: T | undefined, find: (name: T) => boolean) =>
    name === undefined ? undefined : find(name)
  switch (verb) {
    case 'checkout':
      return known(key, (it) => ledger.ordersByKey(it).length > 0)
    case 'reserve':
      return known(asked.session, (it) => ledger.holdsOfSession(it).length > 0)
    case 'release':
      return known(asked.session, (it) =>
        ledger.holdsOfSession(it).some(({ status }) => status === 'released'),
      )
    case 'pay':
      return known(asked.order, (it) => ledger.ofOrder('payment', it).length > 0)
    case 'refund':
      return known(asked.order, (it) => ledger.ofOrder('refund', it).length > 0)
    case 'cancel':
      return known(asked.event, (it) => ledger.byId('event', it).some(({ status }) => status === 'cancelled'))
    case 'scan':
      return known(asked.ticket, (it) =>
        ledger.scansOfTicket(it).some(({ device }) => device === (asked.device ?? null)),
      )
    case 'watch':
      return false
  }
}
