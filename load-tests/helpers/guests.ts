import exec from 'k6/execution'
import { loadProfile, usersMost } from '../config/load-profiles.ts'
import { required } from './auth.ts'

/** The tokens of a rush's guests. Throws where LOAD_PROFILE has more users than there are guests. */
export function guestTokens(scenario: string): readonly string[] {
  const tokens = required('TEST_USER_TOKENS').split(',')
  if (tokens.length >= usersMost) return tokens
  throw new Error(
    `LOAD_PROFILE=${loadProfile} needs ${usersMost} guests: npx admit-once fixtures ${scenario} --guests ${usersMost}`,
  )
}

/** Who comes in this iteration: each guest once, or under LOAD_PROFILE one user's own again and again, who never meets itself. */
export function guestNumber(): number {
  return loadProfile === undefined ? exec.scenario.iterationInTest : exec.vu.idInTest - 1
}
