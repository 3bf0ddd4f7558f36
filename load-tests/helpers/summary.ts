interface SummaryData {
  readonly metrics: Record<
    string,
    {
      readonly values: Record<string, number>
      readonly thresholds?: Record<string, { readonly ok: boolean }>
    }
  >
}

/** For `handleSummary`: a few lines for the terminal, and everything as JSON in RESULTS_DIR (load-tests/results). */
export function summarize(scenario: string, data: SummaryData): Record<string, string> {
  const folder = __ENV['RESULTS_DIR'] ?? 'load-tests/results'
  return { stdout: textOf(scenario, data), [`${folder}/${scenario}.json`]: JSON.stringify(data, null, 2) }
}

function textOf(scenario: string, { metrics }: SummaryData): string {
  const inOrder = Object.entries(metrics).sort(([one], [other]) => (one < other ? -1 : 1))
  const judged = inOrder.flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {}).map(([threshold, { ok }]) => ({
      name,
      ok,
      line: `  ${ok ? 'met   ' : 'BROKEN'}  ${name} ${threshold}  (${shown(metric.values)})`,
    })),
  )
  const broken = judged.filter(({ ok }) => !ok)
  // A generator that could not keep up has shown nothing; what else broke was broken by the server.
  const slow = broken.length > 0 && broken.every(({ name }) => name === 'dropped_iterations')
  const verdict = broken.length === 0 ? 'PASS' : slow ? 'INCONCLUSIVE' : 'FAIL'
  return `\n${scenario}: ${verdict}\n${judged.map(({ line }) => line).join('\n')}\n`
}

function shown(values: Record<string, number>): string {
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
