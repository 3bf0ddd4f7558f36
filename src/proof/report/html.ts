import { raw } from 'hono/html'
import type { Results } from '../results.ts'
import { comparisonOf } from './comparison.ts'
import { findings } from './findings.ts'
import { contentsOf, runFacts, shownAndNot, ticket } from './frame.ts'
import { guaranteeTable } from './guarantee-table.ts'
import { healthOf } from './health.ts'
import { interleavingTable } from './interleaving-table.ts'
import { embeddedJson, type Html, html } from './markup.ts'
import { readinessTable } from './readiness.ts'
import { sabotageMatrix } from './sabotage-matrix.ts'
import { scenarioCards } from './scenario-card.ts'
import { stages } from './stages.ts'
import { STYLE } from './style.ts'
import { promiseTable } from './target.ts'

/**
 * The report: one page that needs no network and no script, the verdict first, results.json inside as `#results`.
 * Its policy forbids scripts and every request, so that nothing a run has seen can act in it.
 */
export function reportHtml(results: Results): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${results.verdict} · Admit Once, run ${results.run.id}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${ticket(results)}
<main>
${contentsOf(results)}
${findings(results)}
${comparisonOf(results)}
${runFacts(results)}
${results.target === undefined ? ownPromises(results) : promiseTable(results, results.target)}
${scenarioCards(results)}
${results.target === undefined ? healthOf(results) : null}
${stages(results)}
${shownAndNot(results)}
</main>
<script type="application/json" id="results">${embeddedJson(results)}</script>
</body>
</html>
`)
}

function ownPromises(results: Results): Html {
  return html`${guaranteeTable(results)}
${readinessTable(results)}
${sabotageMatrix(results)}
${interleavingTable(results)}`
}
