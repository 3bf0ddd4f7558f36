/** The style sheet of a bench's page beside that of every page. */
export const STYLE = `
:root { --now: #2b62b8; --soft: #b9cbe8; --goal: #dcebe1; --p99: #a3458f; --server: #2b62b8; --postgres: #17603a; --hatch: #9aa0a8; }
@media (prefers-color-scheme: dark) {
  :root { --now: #7fb0ff; --soft: #34507e; --goal: #20382b; --p99: #e08fce; --server: #7fb0ff; --postgres: #4cae7d; --hatch: #6d747d; }
}
.ticket.bench { --ground: #22375a; }
.ticket.bench h1 { font-size: clamp(38px, 7vw, 72px); }
.ticket .unmet { margin: 14px 0 0; font-size: 15px; line-height: 1.5; }
.tally { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
.tally li { display: flex; flex-direction: column; gap: 2px; }
.tally small { margin-top: 4px; }
.question > h2 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px; }
nav + .none { margin-top: 20px; }
.question h3 { margin-top: 0; }
.patterns { position: absolute; width: 0; height: 0; }
.chart.plot { max-width: none; margin: 0; }
.plot .legend { margin-bottom: 10px; color: var(--quiet); }
.plot li, .plot .scale { display: grid; grid-template-columns: minmax(0, 296px) minmax(0, 1fr) 216px; column-gap: 24px; align-items: center; }
.plot .legend li { display: block; }
.plot .name { font-size: 15px; line-height: 1.35; }
.plot li > svg { display: block; width: 100%; height: 44px; overflow: visible; }
.plot .figure { display: flex; flex-wrap: wrap; align-items: center; gap: 0 10px; line-height: 1.3; }
.plot .figure span { font-size: 13px; color: var(--quiet); }
.plot .figure .pass { color: var(--pass); }
.plot .figure .fail { color: var(--fail); }
.plot .figure .badge span { color: inherit; font-size: inherit; }
.plot .figure small { flex-basis: 100%; }
.plot .figure .badge { padding: 3px 8px; font-size: 12px; }
.plot .scale > div { grid-column: 2; position: relative; height: 20px; }
.plot .scale span { position: absolute; transform: translateX(-50%); font-size: 12px; color: var(--quiet); white-space: nowrap; }
.plot .axis { stroke: var(--line); }
.plot .equal { stroke: var(--quiet); stroke-dasharray: 2 3; }
.plot .mark { overflow: visible; }
.plot .range { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.plot .round { fill: var(--card); stroke: var(--ink); stroke-width: 1; }
.plot .median { fill: var(--now); stroke: var(--card); stroke-width: 1.5; }
.plot .median.met { fill: var(--pass); }
.plot .median.unmet { fill: var(--card); stroke: var(--fail); stroke-width: 3; }
.plot .wanted { fill: var(--goal); }
.plot .goal { fill: none; stroke: var(--pass); stroke-width: 2; }
.plot .arrow { fill: var(--pass); }
.plot .before { fill: var(--card); stroke: var(--p99); stroke-width: 2; }
.plot .rate { fill: var(--soft); }
.plot .span { stroke: var(--soft); stroke-width: 6; }
.plot .p50 { fill: var(--now); }
.plot .p99 { fill: var(--p99); }
.plot .cpu { stroke: var(--card); stroke-width: 1; }
.plot .cpu.load { fill: url(#hatched); }
.plot .cpu.server { fill: var(--server); }
.plot .cpu.postgres { fill: url(#dotted); }

@media screen and (max-width: 760px) {
  .plot li { grid-template-columns: minmax(0, 1fr); row-gap: 2px; padding: 10px 0; border-top: 1px solid var(--line); }
  .plot .legend li { padding: 0; border: 0; }
  .plot li > svg { grid-row: 3; width: calc(100% - 20px); margin-inline: 10px; }
  .plot .figure small { flex-basis: auto; }
  .plot .scale { display: block; margin-inline: 10px; }
}
@media print {
  :root { --now: #2b62b8; --soft: #b9cbe8; --goal: #dcebe1; --p99: #a3458f; --server: #2b62b8; --postgres: #17603a; --hatch: #9aa0a8; }
  .plot li { break-inside: avoid; }
  .chart.plot { break-inside: auto; }
}
`
