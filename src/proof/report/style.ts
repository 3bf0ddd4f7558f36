/** The style sheet of the report beside that of every page. */
export const STYLE = `
.guarantees, .sabotage, .interleavings { table-layout: fixed; }
.guarantees th:nth-child(1) { width: 29%; }
.guarantees th:nth-child(2) { width: 14%; }
.guarantees th:nth-child(3) { width: 10%; }
.guarantees th:nth-child(4) { width: 19%; }
.guarantees th:nth-child(5) { width: 16%; }
.guarantees td a { font-size: 14px; }
.guarantees .number { color: var(--quiet); margin-right: 4px; }
.errors .promise, .capacities .promise { color: var(--quiet); font-size: 14px; }
.guarantees th code { font-weight: 700; font-size: 14px; }
.guarantees td { font-size: 15px; }
.sabotage th:nth-child(1) { width: 37%; }
.sabotage th:nth-child(2), .sabotage th:nth-child(3) { width: 10%; }
.sabotage th:nth-child(4) { width: 16%; }
.sabotage th:nth-child(5) { width: 13%; }
.sabotage td { font-size: 15px; }
.sabotage details { margin-top: 2px; }
.sabotage details p { font-size: 14px; margin-bottom: 8px; }
.interleavings th:nth-child(1) { width: 28%; }
.interleavings th:nth-child(2) { width: 11%; }
.interleavings th:nth-child(3), .interleavings th:nth-child(4) { width: 9%; }
.interleavings th:nth-child(6) { width: 12%; }
.interleavings td { font-size: 15px; }
.answers, .errors, .capacities, .watched, .points { font-size: 15px; }
.points th:nth-child(1) { width: 46%; }
.points th:nth-child(2) { width: 160px; }
.answers th:nth-child(1), .errors th:nth-child(1), .capacities th:nth-child(1) { width: 30%; }
.answers td, .errors td, .capacities td, .watched td { padding-inline: 10px; }
.points .number { color: var(--quiet); margin-right: 4px; }
.bars.columns { columns: 3 260px; column-gap: 32px; }
.bars.columns li { break-inside: avoid; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: 24px 40px; margin: 20px 0; }
.figures > div { min-width: 0; }
.figures h4:not(:first-child) { margin-top: 24px; }
.chart svg { display: block; width: 100%; }
.chart text { font-size: 11px; fill: var(--quiet); }
.chart .axis { stroke: var(--line); }
.chart .area { fill: var(--good); opacity: .14; }
.chart .line { fill: none; stroke: var(--c0); stroke-width: 2; stroke-linejoin: round; }
.chart .end { fill: var(--c0); }
.chart .c1 { stroke: var(--c1); stroke-dasharray: 6 3; }
.chart .c2 { stroke: var(--c2); stroke-dasharray: 2 3; }
.chart .end.c1 { fill: var(--c1); stroke: none; }
.chart .end.c2 { fill: var(--c2); stroke: none; }
.chart .fault { fill: var(--fail); opacity: .22; }
.chart .capacity { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; }
.chart .label { fill: var(--ink); font-weight: 600; }
.chart .excess { fill: var(--fail); opacity: .7; }
.chart .alarm { fill: var(--fail); font-weight: 700; }
.bars li { display: grid; grid-template-columns: 1fr auto; font-size: 14px; margin-bottom: 8px; }
.bar { grid-column: 1 / -1; height: 6px; min-width: 2px; border-radius: 2px; background: var(--refused); }
.bar.good { background: var(--good); }
.bar.bad { background: var(--fail); }
.statements li { display: grid; grid-template-columns: 88px 1fr; gap: 0 8px; font-size: 14px; padding: 2px 0; }
.statements code { overflow-wrap: anywhere; }
.statements .quiet { grid-column: 2; }
.latency { border: 0; background: none; table-layout: fixed; }
.latency th, .latency td { padding: 2px 0; border: 0; }
.latency td { font-weight: 600; font-size: 15px; }
.ticks li, .passed li, .open li { display: flex; gap: 8px; font-size: 14px; padding: 2px 0; }
.sign { color: var(--pass); font-weight: 700; }
.not .sign, .not em { color: var(--fail); font-style: normal; font-weight: 600; }
.card.stage { padding: 14px 20px; margin-bottom: 10px; }
.card.stage h3 { font-size: 17px; }
.open { margin: 12px 0; }
.stage > details, .stage > p { margin-top: 8px; }
.finding { border: 1.5px solid var(--fail); border-radius: 6px; padding: 14px 16px; margin-top: 12px; scroll-margin-top: 16px; }
.finding.inconclusive { border-color: var(--inconclusive); }
.finding h4 { margin: 12px 0 6px; }
.finding p { margin: 0 0 4px; }
.finding .detail { white-space: pre-line; }

@media screen and (max-width: 760px) {
  .figures { grid-template-columns: 1fr; }
}
@media print {
  .finding { break-inside: avoid; }
  .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .stage details::details-content { content-visibility: visible; block-size: auto; }
}
`
