import { printable } from '../../report/text.ts'
import type { Results } from '../results.ts'
import { findingsOf } from './words.ts'

/** One line for the log of a CI, found by its beginning: `admit-once prove: PASS guarantees=10/10 checks=312/312 …`. */
export function summaryLine(results: Results): string {
  const { verdict, guarantees, stages, sabotage, readiness = [], run, comparison } = results
  const checks = stages.flatMap((stage) => stage.checks)
  const share = (of: readonly { readonly verdict: string }[]) =>
    `${of.filter((one) => one.verdict === 'PASS').length}/${of.length}`
  const [finding] = findingsOf(results)
  const words = [
    `admit-once prove: ${verdict}`,
    `guarantees=${share(guarantees)}`,
    `checks=${share(checks)}`,
    `sabotage=${share(sabotage)}`,
    ...(readiness.length === 0 ? [] : [`readiness=${share(readiness)}`]),
    `profile=${run.profile}`,
    `seed=${run.seed}`,
    `seconds=${(run.durationMs / 1000).toFixed(1)}`,
    ...(comparison === undefined
      ? []
      : [`newly_failing=${comparison.failing.length}`, `mended=${comparison.mended.length}`]),
    ...(finding === undefined ? [] : [`first=${JSON.stringify(finding.sentence)}`]),
  ]
  return printable(words.join(' ')).replaceAll('\n', ' ').slice(0, LINE_CHARACTERS_MAX)
}

const LINE_CHARACTERS_MAX = 500
