import type { RatioSpec, Target } from './question.ts'

/** The least, the middle and the most of some figures. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** Of what is a number; undefined where nothing is. The median of an even number is the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  const half = sorted.length / 2
  const middle = [sorted[Math.ceil(half) - 1] ?? min, sorted[Math.floor(half)] ?? max] as const
  return { min, median: (middle[0] + middle[1]) / 2, max }
}

/**
 * Round by round the first over the second, so that what slows the machine down slows both. A window in which nothing was
 * answered has no figure, and its round no ratio: null.
 */
export function ratiosOf(
  over: readonly (number | undefined)[],
  under: readonly (number | undefined)[],
): (number | null)[] {
  return over.map((figure, round) => {
    const other = under[round]
    return isFigure(figure) && isFigure(other) ? figure / other : null
  })
}

function isFigure(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0
}

/** Whether the median is where it is wanted; undefined where nothing is wanted. */
export function isMet({ median }: Spread, target: RatioSpec['target']): boolean | undefined {
  if (target === undefined) return undefined
  return median >= (target.atLeast ?? -Infinity) && median <= (target.atMost ?? Infinity)
}

export function targetText({ atLeast, atMost }: Target): string {
  return atLeast === undefined ? `≤ ${round2(atMost ?? 0)}` : `≥ ${round2(atLeast)}`
}

function round2(value: number): string {
  return String(Math.round(value * 100) / 100)
}
