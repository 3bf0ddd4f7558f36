import { counterOf, mismatchVerdict, onlyWhole, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const lastTicketDuel: Scenario = {
  name: 'last-ticket-duel',
  story: 'Two buyers press "buy" at the same moment for the one ticket that is left, round after round.',
  obstacle: onlyWhole,
  fixture: ({ profile }) => ({ duels: profile.duels }),
  env: () => ({}),
  outcomes: {
    duels_won: 'success',
    duels_lost: 'INSUFFICIENT_TICKETS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: { duels_won: 'duels won', duels_lost: 'duels lost' },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const tiers = await rowsOf<Duel>(run, DUELS, fixture.duelTierIds)
    const rounds = tiers.length
    const both = tiers.filter(({ tickets }) => tickets > 1)
    const neither = tiers.filter(({ tickets }) => tickets < 1)
    const won = counterOf(load, 'duels_won')
    const tickets = tiers.reduce((sum, tier) => sum + tier.tickets, 0)
    return [
      {
        name: 'in no round both have the last ticket',
        verdict: both.length > 0 ? 'FAIL' : 'PASS',
        detail: `${both.length} of ${rounds} rounds`,
        ...(both.length === 0 ? {} : { witness: both[0] }),
      },
      {
        name: 'in no round neither has it',
        verdict: neither.length > 0 ? mismatchVerdict(load) : 'PASS',
        detail: `${neither.length} of ${rounds} rounds`,
        ...(neither.length === 0 ? {} : { witness: neither[0] }),
      },
      {
        name: 'who was told "sold" has the ticket, and the other one was told that it is sold out',
        verdict:
          won === tickets ? reconcile(load, counterOf(load, 'duels_lost'), rounds) : mismatchVerdict(load),
        detail: `${won} were told so, ${tickets} tickets exist, ${counterOf(load, 'duels_lost')} were refused`,
      },
    ]
  },
}

interface Duel {
  readonly tier_id: string
  readonly tickets: number
  readonly buyers: readonly string[]
}

const DUELS = `select t.id as tier_id, count(k.id)::int as tickets,
    coalesce(array_agg(o.customer_email) filter (where o.id is not null), '{}') as buyers
  from ticket_tiers t left join tickets k on k.tier_id = t.id and k.status in ('valid', 'used', 'refunding', 'void')
    left join orders o on o.id = k.order_id
  where t.id = any ($1::uuid[]) group by t.id order by t.id`
