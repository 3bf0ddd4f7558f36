import { counterOf, reconcile, rowsOf, type Scenario } from './scenario.ts'

const PARTY = 2

/** Places for five guests of eight, a whole number of parties. */
function placesFor(guests: number): number {
  return Math.floor((guests * 5) / 8) * PARTY
}

export const offerRush: Scenario = {
  name: 'offer-rush',
  story: 'Guests fight for the places of an offer, one claim a person; all click twice, some give back.',
  fixture: ({ profile }) => ({ guests: profile.guests, places: placesFor(profile.guests) }),
  env: () => ({}),
  outcomes: {
    claims_granted: 'success',
    second_claims_refused: 'ALREADY_CLAIMED',
    sold_out_answers: 'INSUFFICIENT_SPOTS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    claims_granted: 'claims granted',
    claims_released: 'claims given back',
    second_claims_refused: 'second claims refused',
    sold_out_answers: 'guests told that no place is left',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const [offer] = await rowsOf<Claims>(run, CLAIMS, fixture.offerId ?? '')
    const { people, claims, twice } = offer ?? { people: 0, claims: 0, twice: [] }
    const { places } = fixture
    const answers = counterOf(load, 'claims_granted') - counterOf(load, 'claims_released')
    return [
      {
        name: `${places} of ${places} places are claimed, never one more, never one less while guests remain`,
        verdict: people > places ? 'FAIL' : reconcile(load, people, places),
        detail: `${people} people in ${claims} claims`,
      },
      {
        name: 'who was told so has a claim, and nobody else has, or two',
        verdict: twice.length > 0 ? 'FAIL' : reconcile(load, answers, claims),
        detail: `${answers} guests were told so, ${claims} claims exist`,
        ...(twice.length === 0 ? {} : { witness: twice }),
      },
    ]
  },
}

interface Claims {
  readonly people: number
  readonly claims: number
  /** Persons with more than one. */
  readonly twice: readonly string[]
}

const CLAIMS = `with claims as (select user_id, party_size from offer_claims where discount_id = $1 and status = 'claimed')
  select (select coalesce(sum(party_size), 0)::int from claims) as people,
    (select count(*)::int from claims) as claims,
    array(select user_id::text from claims group by user_id having count(*) > 1) as twice
  from discounts d where d.id = $1`
