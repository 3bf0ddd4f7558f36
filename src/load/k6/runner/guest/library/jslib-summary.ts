import { endOfTest } from '../../end-of-test.ts'
import type { SummaryData } from '../../summary-data.ts'

/** What scripts import from `https://jslib.k6.io/k6-summary/<version>/index.js`. */
export function textSummary(data: SummaryData, options: { readonly indent?: string } = {}): string {
  const { indent = '' } = options
  return endOfTest(data).replace(/^(?=.)/gm, indent)
}

/** One test case a threshold. */
export function jUnit(data: SummaryData, options: { readonly name?: string } = {}): string {
  const cases = Object.entries(data.metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([source, { ok }]) => {
      const head = `<testcase name="${escaped(`${metric} - ${source}`)}"`
      return ok ? `${head} />` : `${head}><failure message="failed" /></testcase>`
    }),
  )
  const failures = cases.filter((line) => line.includes('<failure')).length
  const counts = `tests="${cases.length}" failures="${failures}"`
  const name = escaped(options.name ?? 'k6 thresholds')
  return [
    '<?xml version="1.0"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="${name}" ${counts}>`,
    ...cases,
    '</testsuite>',
    '</testsuites>',
  ].join('\n')
}

export default { textSummary, jUnit }

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
