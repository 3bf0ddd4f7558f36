import { randomFrom } from '../../core/random.ts'

/** Fault injection: what goes wrong on purpose. Random choices come from the seed, so that a run can be repeated. */
export interface Chaos {
  readonly seed: number
  /** Each event is delivered 1 to this many times. */
  readonly duplicates: number
  /** Each delivery waits up to this many milliseconds, which also reorders them. */
  readonly delayMs: number
  /** Share, 0 to 1, of API calls that take effect and whose answer is lost: cut off in its middle, or a 500. */
  readonly lostAnswers: number
  /** Share, 0 to 1, of events that are never delivered. */
  readonly lostEvents?: number
  /** Share, 0 to 1, of API calls that are refused with 429 before they take effect. */
  readonly rateLimited?: number
}

export type LostAnswer = 'cut' | 'error'

export interface Dice {
  rateLimits(): boolean
  losesAnswer(): LostAnswer | undefined
  /** One delay in milliseconds for each copy to deliver; none: the event is lost. */
  copies(): readonly number[]
}

/** Calls and events draw from sequences of their own, so that the one's timing leaves the other's choices alone. */
export function rollDice(chaos: Chaos | undefined): Dice {
  if (chaos === undefined) return NO_CHAOS
  const { duplicates, delayMs, lostAnswers, lostEvents = 0, rateLimited = 0 } = chaos
  const calls = randomFrom(chaos.seed)
  const limits = randomFrom(chaos.seed + 1)
  const events = randomFrom(chaos.seed + 2)
  return {
    rateLimits: () => limits.fraction() < rateLimited,
    losesAnswer: () => {
      const [lost, how] = [calls.fraction(), calls.fraction()]
      return lost < lostAnswers ? (how < 0.5 ? 'cut' : 'error') : undefined
    },
    copies: () => {
      const [lost, copies] = [events.fraction(), events.fraction()]
      const delays = Array.from(
        { length: 1 + Math.floor(copies * duplicates) },
        () => events.fraction() * delayMs,
      )
      return lost < lostEvents ? [] : delays
    },
  }
}

const NO_CHAOS: Dice = { rateLimits: () => false, losesAnswer: () => undefined, copies: () => [0] }
