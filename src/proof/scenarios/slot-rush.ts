import { counterOf, mismatchVerdict, reconcile, rowsOf, type Scenario } from './scenario.ts'

/** Fewer covers than guests ask for. */
const COVERS_PER_GUEST = 1.5

export const slotRush: Scenario = {
  name: 'slot-rush',
  story: 'Parties fight for the tables of one evening, in two slots that overlap; some cancel.',
  fixture: ({ profile }) => ({
    guests: profile.guests,
    covers: Math.floor(profile.guests * COVERS_PER_GUEST),
  }),
  env: () => ({}),
  outcomes: {
    covers_booked: 'success (covers)',
    full_answers: 'SLOT_FULL',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    covers_booked: 'covers booked',
    covers_cancelled: 'covers cancelled',
    booked_after_midnight: 'tables booked after midnight',
    full_answers: 'guests told that it is full',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const slots = await rowsOf<Slot>(run, SLOTS, fixture.businessId)
    const people = slots.reduce((sum, slot) => sum + slot.people, 0)
    const full = people === fixture.covers && slots.every((slot) => slot.people === slot.capacity)
    const fuller = slots.find((slot) => slot.people > slot.capacity)
    const answers = counterOf(load, 'covers_booked') - counterOf(load, 'covers_cancelled')
    return [
      {
        name: 'who said that it is full was full, to the last cover of both slots, and never fuller',
        verdict: fuller !== undefined ? 'FAIL' : full ? 'PASS' : mismatchVerdict(load),
        detail: slots.map((slot) => `${slot.people} of ${slot.capacity} covers`).join(', '),
        ...(fuller === undefined ? {} : { witness: fuller }),
      },
      {
        name: 'every cover that was promised is kept, and no other',
        verdict: reconcile(load, answers, people),
        detail: `${answers} covers were promised, ${people} are kept`,
      },
    ]
  },
}

interface Slot {
  readonly id: string
  readonly capacity: number
  readonly people: number
}

const SLOTS = `select s.id, s.capacity,
    coalesce(sum(r.party_size) filter (where r.status in ('confirmed', 'checked_in')), 0)::int as people
  from slots s left join reservations r on r.slot_id = s.id where s.business_id = $1 group by s.id order by s.time_from`
