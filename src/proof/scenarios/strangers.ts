import { counterOf, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const strangers: Scenario = {
  name: 'strangers',
  story:
    'Buyers hold and order; strangers who know every id try to take, change and read it through every door.',
  fixture: () => ({}),
  env: () => ({}),
  outcomes: {
    buyers_served: 'success',
    not_found: 'NOT_FOUND',
    forbidden: 'FORBIDDEN',
    unauthorized: 'UNAUTHORIZED',
    strangers_served: 'a stranger was served',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    buyers_served: 'buyers who found everything as it was',
    not_found: 'strangers told that there is no such thing',
    forbidden: 'strangers told that it is not theirs',
    unauthorized: 'guests told to sign in',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const [found] = await rowsOf<Found>(run, FOUND, fixture.eventId)
    const taken = found?.taken ?? []
    const served = counterOf(load, 'strangers_served')
    const answered = counterOf(load, 'tickets_released')
    return [
      {
        name: 'nothing of a buyer was taken, changed or used by anybody else',
        verdict: taken.length > 0 || served > 0 ? 'FAIL' : 'PASS',
        detail: `${served} strangers were served, ${taken.length} traces of them`,
        ...(taken.length === 0 ? {} : { witness: taken }),
      },
      {
        name: 'what buyers gave back themselves is what came back',
        verdict: reconcile(load, answered, found?.released ?? 0),
        detail: `${answered} tickets, ${found?.released ?? 0} of them in the database`,
      },
    ]
  },
}

interface Found {
  /** What only a stranger can have done: no buyer of this story does. */
  readonly taken: readonly string[]
  readonly released: number
}

const FOUND = `select
    array(select 'event ' || e.status from events e where e.id = $1 and e.status <> 'published'
      union all select 'refund ' || r.id from ticketing.refunds r where r.event_id = $1
      union all select 'void ' || v.id from ticketing.voids v where v.event_id = $1
      union all select 'scan ' || s.id from scan_logs s where s.event_id = $1
      union all select 'order without its buyer ' || o.id from orders o where o.event_id = $1 and o.user_id is null
      union all select 'two orders of one buyer ' || o.user_id from orders o where o.event_id = $1 group by o.user_id having count(*) > 1
      union all select 'held by one, ordered by another ' || h.id from ticket_holds h join orders o on o.id = h.order_id
        where h.event_id = $1 and h.user_id is distinct from o.user_id) as taken,
    (select coalesce(sum(h.quantity), 0)::int from ticket_holds h
      where h.event_id = $1 and h.order_id is null and h.status = 'released') as released`
