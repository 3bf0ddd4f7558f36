import type { Random } from '../../src/core/random.ts'

/** What happens in a history; `n` is what is left to chance. A step that cannot happen is nothing. */
export interface Step {
  readonly does: (typeof MOVES)[number]
  readonly n: number
}

const MOVES = [
  ...([
    'pay',
    'pay',
    'pay',
    'pay delayed',
    'pay wrong',
    'pay twice',
    'stranger pays',
    'session ends',
  ] as const),
  ...(['deliver', 'deliver', 'deliver', 'deliver', 'deliver again'] as const),
  ...(['staff refunds', 'staff refunds', 'staff refunds', 'job', 'job', 'job', 'job'] as const),
  ...(['dashboard refunds a part', 'dashboard refunds all', 'provider settles', 'provider settles'] as const),
  ...([
    'went and comes back',
    'foreign refund',
    'list',
    'dispute',
    'dispute closes',
    'scan',
    'void',
  ] as const),
  ...(['event is cancelled', 'event is over', 'provider refuses everything'] as const),
] as const

export function historyFrom(random: Random): Step[] {
  const rest = Array.from({ length: 4 + random.below(16) }, () => ({
    does: MOVES[random.below(MOVES.length)] ?? 'job',
    n: random.below(2 ** 30),
  }))
  // Without a payment there is little to see: most begin with one.
  const begin = ['pay', 'deliver', 'staff refunds', 'job'] as const
  return [
    ...begin.slice(0, random.below(begin.length + 1)).map((does) => ({ does, n: random.below(2 ** 30) })),
    ...rest,
  ]
}
