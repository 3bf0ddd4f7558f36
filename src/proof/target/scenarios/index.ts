import type { TargetProfile } from '../profiles.ts'
import { barrier, ladder, rush } from './crowd.ts'
import { givenUpCarts, heldCarts } from './held-carts.ts'
import { cancelAndSellAgain, oneAfterAnother } from './one-after-another.ts'
import { paymentEvents } from './payment-events.ts'
import { sameRequest } from './same-request.ts'
import type { TargetScenario } from './scenario.ts'
import { suddenDeath } from './sudden-death.ts'

/** In the order of a run: gently first, so that what breaks at two at a time is seen at two at a time. */
export function scenariosOf(profile: TargetProfile): readonly TargetScenario[] {
  return [
    oneAfterAnother,
    cancelAndSellAgain,
    sameRequest,
    heldCarts,
    givenUpCarts,
    paymentEvents,
    ...profile.ladder.map(ladder),
    rush,
    barrier,
    suddenDeath,
  ]
}
