import type { Machine } from './machine.ts'
import type { RateResult, RatioResult, Result } from './result.ts'
import { isMet, targetText } from './spread.ts'

/** What the page and the terminal say alike. */

/** What the figures of a result mean nothing without: a term, and a text that needs no term. */
export function factsOf({
  machine,
  rounds,
  seconds,
  version,
}: Result): readonly (readonly [string, string])[] {
  const { postgres, load } = machine
  return [
    ['Product', `admit-once ${version}`],
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB`],
    [
      'Database',
      `PostgreSQL ${postgres.version}, fsync ${postgres.fsync}, synchronous_commit ${postgres.synchronousCommit}, shared_buffers ${postgres.sharedBuffers}`,
    ],
    ['Runtime', `Node ${machine.node}`],
    ...(machine.pgbench === null ? [] : [['SQL load', `pgbench ${machine.pgbench}`] as const]),
    ['Windows', `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s each by turns`],
    ['Load', loadText(load)],
  ]
}

function loadText({ before, after }: Machine['load']): string {
  return `load ${before[0] ?? '?'} before, ${after[0] ?? '?'} after`
}

/** Three that mean something, and thousands apart. */
export function digits(value: number | null | undefined): string {
  if (value === null || value === undefined) return ''
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
}

export function rangeOf({ min, max }: { readonly min: number; readonly max: number }): string {
  return `${digits(min)}–${digits(max)}`
}

export function wantedOf(ratio: RatioResult): string {
  const { target } = ratio
  if (target === undefined) return ''
  return `${isMet(ratio, target) === true ? '✓' : '✗'} ${targetText(target)}`
}

/** CPU of the load generator / the server / PostgreSQL, in percent of all cores. */
export function sharesOf({ load, server, postgres }: RateResult['cores'], cores: number): string {
  return [load, server, postgres]
    .map((busy) => (busy === null ? '–' : ((100 * busy) / cores).toFixed(0)))
    .join('/')
}
