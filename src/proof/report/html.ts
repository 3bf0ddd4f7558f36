import { type Html, html } from '../../report/markup.ts'
import { page } from '../../report/page.ts'
import type { Results } from '../results.ts'
import { comparisonOf } from './comparison.ts'
import { findings } from './findings.ts'
import { contentsOf, runFacts, shownAndNot, ticketOf } from './frame.ts'
import { guaranteeTable } from './guarantee-table.ts'
import { healthOf } from './health.ts'
import { interleavingTable } from './interleaving-table.ts'
import { readinessTable } from './readiness.ts'
import { sabotageMatrix } from './sabotage-matrix.ts'
import { scenarioCards } from './scenario-card.ts'
import { stages } from './stages.ts'
import { STYLE } from './style.ts'
import { promiseTable } from './target.ts'

/** The report: the verdict first, results.json inside. */
export function reportHtml(results: Results): string {
  return page({
    title: `${results.verdict} · Admit Once, run ${results.run.id}`,
    style: STYLE,
    header: ticketOf(results),
    main: html`${contentsOf(results)}
${findings(results)}
${comparisonOf(results)}
${runFacts(results)}
${results.target === undefined ? ownPromises(results) : promiseTable(results, results.target)}
${scenarioCards(results)}
${results.target === undefined ? healthOf(results) : null}
${stages(results)}
${shownAndNot(results)}`,
    results,
  })
}

function ownPromises(results: Results): Html {
  return html`${guaranteeTable(results)}
${readinessTable(results)}
${sabotageMatrix(results)}
${interleavingTable(results)}`
}
