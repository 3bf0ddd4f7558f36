interface SummaryData {
  readonly metrics: Record<
    string,
    {
      readonly values: Record<string, number>
      readonly thresholds?: Record<string, { readonly ok: boolean }>
    }
  >
}

/** The `handleSummary` of a scenario: a few lines for the terminal, and everything as JSON in RESULTS_DIR (load-tests/results). */
export function summaryOf(scenario: string): (data: SummaryData) => Record<string, string> {
  const folder = __ENV['RESULTS_DIR'] ?? 'load-tests/results'
  return (data) => ({
    stdout: textOf(scenario, data),
    [`${folder}/${scenario}.json`]: JSON.stringify(data, null, 2),
  })
}

function textOf(scenario: string, { metrics }: SummaryData): string {
  const inOrder = Object.entries(metrics).sort(([one], [other]) => (one < other ? -1 : 1))
  const verdicts = inOrder.flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {}).map(([threshold, { ok }]) => ({
      name,
      ok,
      line: `  ${ok ? 'met   ' : 'BROKEN'}  ${name} ${threshold}  (${valuesText(metric.values)})`,
    })),
  )
  const failures = verdicts.filter(({ ok }) => !ok)
  // A generator that could not keep up has shown nothing; what else broke was broken by the server.
  const slow = failures.length > 0 && failures.every(({ name }) => name === 'dropped_iterations')
  const verdict = failures.length === 0 ? 'PASS' : slow ? 'INCONCLUSIVE' : 'FAIL'
  return `\n${scenario}: ${verdict}\n${verdicts.map(({ line }) => line).join('\n')}\n`
}

function valuesText(values: Record<string, number>): string {
  return ['count', 'rate', 'p(50)', 'p(90)', 'p(95)', 'p(99)', 'max']
    .filter((name) => values[name] !== undefined)
    .map((name) => `${name} ${Math.round((values[name] ?? 0) * 1000) / 1000}`)
    .join(', ')
}

/** The statistics of every trend: k6 leaves p(99) out unless it is asked for. */
export const TREND_STATS = [
  'min',
  'avg',
  'med',
  'p(50)',
  'p(90)',
  'p(95)',
  'p(99)',
  'p(99.9)',
  'max',
  'count',
]
