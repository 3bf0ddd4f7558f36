/** What every page has: system fonts, both colour schemes, a phone's width, and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f4ee; --card: #fff; --ink: #1c1d1f; --quiet: #5d6167; --line: #dfdbd0; --code: #f1eee6;
  --pass: #17603a; --fail: #b01e18; --inconclusive: #805300; --refused: #9aa0a8; --good: #2f8a5b;
  --c0: #2f8a5b; --c1: #2b62b8; --c2: #a3458f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131416; --card: #1b1d20; --ink: #e9e6df; --quiet: #a4a8ae; --line: #33363b; --code: #24272b;
    --pass: #79d3a0; --fail: #ff938a; --inconclusive: #f2bf63; --refused: #6d747d; --good: #4cae7d;
    --c0: #4cae7d; --c1: #7fb0ff; --c2: #e08fce;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 32px 24px 64px; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h2 { font-size: 24px; margin: 56px 0 8px; letter-spacing: -.01em; line-height: 1.2; scroll-margin-top: 16px; }
h3 { font-size: 17px; margin: 28px 0 8px; }
h3 code { font-size: 16px; }
h3 .quiet { font-weight: 400; font-size: 15px; margin-left: 6px; }
h4 { font-size: 13px; margin: 0 0 8px; color: var(--quiet); font-weight: 600; }
p { margin: 0 0 12px; }
a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid currentColor; outline-offset: 3px; }
ul { list-style: none; margin: 0; padding: 0; }
dl, dd { margin: 0; }
dt, small, .quiet, .lead { color: var(--quiet); }
small { display: block; font-size: 13px; line-height: 1.4; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
small code { font-size: 12px; }
pre, .command { background: var(--code); border-radius: 6px; white-space: pre-wrap; }
pre { margin: 0; padding: 10px 12px; }
.command { padding: 2px 6px; user-select: all; }
.command.block { display: block; padding: 10px 12px; }
.lead { max-width: 46em; margin-bottom: 16px; }
.line { display: block; }
section > details > summary { padding: 6px 0; }
summary { cursor: pointer; color: var(--quiet); font-size: 14px; }
summary:hover { color: var(--ink); }
details[open] > summary { margin-bottom: 8px; }

.ticket { --ground: #17492f; position: relative; display: grid; grid-template-columns: 1fr 264px; color: #fff;
  background: var(--ground); border-radius: 14px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.ticket.fail { --ground: #8a1c17; }
.ticket.inconclusive { --ground: #6b4700; }
.ticket .face { padding: 32px 40px 36px; min-width: 0; }
.ticket .brand { margin: 0; font-weight: 600; }
.ticket .brand span { font-weight: 400; opacity: .8; }
.ticket h1 { font-size: clamp(38px, 9vw, 92px); line-height: 1.05; letter-spacing: -.03em; margin: 12px 0 16px; }
.ticket.inconclusive h1 { font-size: clamp(32px, 7vw, 68px); }
.ticket .sentence { font-size: 19px; line-height: 1.4; margin: 0; max-width: 34em; white-space: pre-line; }
.ticket details { margin-top: 16px; }
.ticket summary, .ticket summary:hover { color: #fff; }
.ticket li { padding: 4px 0; }
.ticket .stub { position: relative; border-left: 2px dashed rgb(255 255 255 / .45); padding: 32px 24px 24px 28px;
  display: grid; align-content: center; gap: 12px; }
.ticket .stub::before, .ticket .stub::after { content: ""; position: absolute; left: -13px; width: 24px; height: 24px;
  border-radius: 50%; background: var(--page); }
.ticket .stub::before { top: -12px; }
.ticket .stub::after { bottom: -12px; }
.ticket dt { color: #fff; opacity: .8; font-size: 13px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 24px; margin-top: 24px; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 14px 28px; margin: 16px 0; }
.facts dt { font-size: 13px; }
.badge { display: inline-block; white-space: nowrap; font-size: 13px; font-weight: 650; line-height: 1; padding: 5px 9px;
  border: 1.5px solid; border-radius: 999px; color: var(--quiet); }
.badge.pass { color: var(--pass); }
.badge.fail { color: var(--fail); }
.badge.inconclusive { color: var(--inconclusive); }

table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th, td { text-align: left; vertical-align: top; padding: 11px 14px; font-weight: 400; border-top: 1px solid var(--line); }
thead th { font-size: 13px; color: var(--quiet); border-top: 0; white-space: nowrap; }
.promise { display: block; margin-top: 2px; }
.plain { max-width: 760px; margin-bottom: 12px; }
.tally { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 12px; margin: 20px 0 8px; }
.tally li { border: 1px solid var(--line); background: var(--card); padding: 14px 16px; }
.tally b { font-size: 22px; letter-spacing: -.01em; }
.none { padding: 14px 16px; border: 1px dashed var(--quiet); }

.card { background: var(--card); border: 1px solid var(--line); padding: 20px 24px; margin-bottom: 16px;
  scroll-margin-top: 16px; }
.card > header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
.card h3 { margin: 0; font-size: 19px; }
.story { font-size: 18px; margin: 6px 0 2px; text-wrap: pretty; }
.chart { margin: 0 0 8px; max-width: 640px; }
.chart figcaption { font-size: 13px; color: var(--quiet); margin-top: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13px; margin-top: 4px; }
.chart .legend svg { display: inline-block; width: 22px; height: 10px; margin-right: 6px; vertical-align: middle; }
.chart .points { margin-top: 4px; }
.chart .points summary { font-size: 13px; }
.chart .points th, .chart .points td { padding: 3px 8px; font-size: 13px; }

@media screen and (max-width: 760px) {
  body { padding: 16px 16px 48px; }
  h2 { margin-top: 44px; }
  .ticket { grid-template-columns: 1fr; }
  .ticket .face { padding: 24px 24px 28px; }
  .ticket .sentence { font-size: 17px; }
  .ticket .stub { border-left: 0; border-top: 2px dashed rgb(255 255 255 / .45); padding: 24px;
    grid-template-columns: 1fr 1fr; }
  .ticket .stub::before, .ticket .stub::after { top: -13px; left: -12px; }
  .ticket .stub::after { left: auto; right: -12px; }
  .facts { grid-template-columns: 1fr; gap: 10px; }
  .facts div { display: grid; grid-template-columns: 110px 1fr; }
  table[role] { display: block; border: 0; background: none; }
  table[role] thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  table[role] tbody, table[role] tr, table[role] th { display: block; }
  table[role] tr { background: var(--card); border: 1px solid var(--line); padding: 12px 16px; margin-bottom: 10px; }
  table[role] th[scope=row] { width: auto; padding: 0 0 8px; border: 0; }
  table[role] td { display: grid; grid-template-columns: 126px 1fr; padding: 4px 0; border: 0; }
  table[role] td::before { content: attr(data-head); color: var(--quiet); font-size: 14px; }
  td > div { min-width: 0; }
  .card { padding: 16px; }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --code: #f4f4f4;
    --pass: #17603a; --fail: #b01e18; --inconclusive: #805300; --refused: #9aa0a8; --good: #2f8a5b;
    --c0: #2f8a5b; --c1: #2b62b8; --c2: #a3458f; }
  body { padding: 0; font-size: 12px; }
  nav { display: none; }
  h2 { margin-top: 28px; font-size: 18px; }
  .ticket { grid-template-columns: 1fr 190px; }
  .ticket h1 { font-size: 52px; }
  .ticket .sentence, .story { font-size: 14px; }
  th, td { padding: 5px 7px; }
  table, table * { font-size: 11px !important; white-space: normal; }
  pre { white-space: pre-wrap !important; }
  code, pre, table code, table pre { font-size: 10px !important; }
  .badge, table .badge, .badge span { font-size: 9px !important; padding: 3px 5px; white-space: nowrap; }
  .badge span { padding: 0; }
  h2, h3, .lead, header { break-after: avoid; }
  tr, .chart, .ticket { break-inside: avoid; }
  .chart { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .card details::details-content, section > details::details-content, .chart details::details-content { content-visibility: visible; block-size: auto; }
}
`
