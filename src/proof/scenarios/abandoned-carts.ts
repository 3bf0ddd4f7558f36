import { FIXTURES } from '../fixtures/fixtures.ts'
import { counterOf, onlyWhole, reconcile, rowsOf, type Scenario } from './scenario.ts'

const STOCK = FIXTURES['abandoned-carts'].stock

export const abandonedCarts: Scenario = {
  name: 'abandoned-carts',
  story:
    'Every ticket lies in a cart that is left; in the end every ticket is sold, to those who asked again.',
  obstacle: onlyWhole,
  fixture: () => ({}),
  env: ({ profile }) => ({
    STOCK: String(STOCK),
    CART_S: String(profile.carts.seconds),
    ASK_S: String(profile.carts.askSeconds),
    PATIENCE_S: String(profile.carts.patienceSeconds),
  }),
  outcomes: {
    tickets_sold: 'success',
    none_left_answers: 'INSUFFICIENT_TICKETS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    tickets_abandoned: 'tickets in carts that were left',
    tickets_returned: 'tickets put back',
    none_left_answers: 'buyers told that none is left',
    tickets_sold: 'tickets sold',
    sold_out_in_the_end: 'buyers who got none in the end',
  },
  stock: STOCK,
  judge: async (run, fixture, load) => {
    const [tier] = await rowsOf<Tier>(run, TIER, fixture.tierId)
    if (tier === undefined) throw new Error('the database gave no tier')
    const { tickets, expired, released, witness } = tier
    const sold = counterOf(load, 'tickets_sold')
    const abandoned = counterOf(load, 'tickets_abandoned')
    const returned = counterOf(load, 'tickets_returned')
    return [
      {
        name: `${STOCK} of ${STOCK} tickets are sold in the end, never one more, never one less while buyers ask`,
        verdict: tickets > STOCK ? 'FAIL' : reconcile(load, tickets, STOCK),
        detail: `${tickets} tickets in the database`,
        ...(witness === null ? {} : { witness }),
      },
      {
        name: 'who was told "sold" has a ticket, and nobody else has',
        verdict: reconcile(load, sold, tickets),
        detail: `${sold} buyers were told so, ${tickets} tickets exist`,
      },
      {
        name: 'every cart that was left ended by its time, and every one that was put back before',
        verdict:
          expired === abandoned ? reconcile(load, returned, released) : reconcile(load, abandoned, expired),
        detail: `${abandoned} tickets were left and ${expired} expired, ${returned} were put back and ${released} released`,
      },
    ]
  },
}

interface Tier {
  readonly tickets: number
  readonly expired: number
  readonly released: number
  /** A hold that outlived its end. */
  readonly witness: unknown
}

const TIER = `select
    (select count(*)::int from tickets k where k.tier_id = t.id and k.status in ('valid', 'used', 'refunding', 'void')) as tickets,
    coalesce((select sum(h.quantity)::int from ticket_holds h where h.tier_id = t.id and h.status = 'expired'), 0) as expired,
    coalesce((select sum(h.quantity)::int from ticket_holds h where h.tier_id = t.id and h.status = 'released'), 0) as released,
    (select jsonb_build_object('hold', h.id, 'status', h.status, 'expires_at', h.expires_at) from ticket_holds h
      where h.tier_id = t.id and h.status = 'active' and h.expires_at <= clock_timestamp() order by h.expires_at limit 1) as witness
  from ticket_tiers t where t.id = $1`
