/** The style sheet of all pages: system fonts, both colour schemes, a phone's width, and paper: one ticket a sheet. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f4ee; --card: #fff; --ink: #1c1d1f; --quiet: #5d6167; --line: #dfdbd0; --field: #8b867a;
  --accent: #17603a; --accent-hover: #0f4a2c; --on-accent: #fff; --bad: #b01e18; --warn: #805300; --ground: #17492f;
  --code-size: 200px;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131416; --card: #1b1d20; --ink: #e9e6df; --quiet: #a4a8ae; --line: #33363b; --field: #7a7f87;
    --accent: #79d3a0; --accent-hover: #9be3ba; --on-accent: #0c2417; --bad: #ff938a; --warn: #f2bf63;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 820px; padding: 20px 24px 72px; background: var(--page); color: var(--ink);
  font: 17px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.15; letter-spacing: -.015em; text-wrap: balance; }
h1 { font-size: clamp(32px, 7vw, 54px); margin: 0 0 12px; letter-spacing: -.025em; }
h2 { font-size: 22px; margin: 40px 0 12px; }
p { margin: 0 0 12px; text-wrap: pretty; }
ul, ol { list-style: none; margin: 0; padding: 0; }
dl, dd { margin: 0; }
a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
[tabindex="-1"]:focus { outline: none; }
small, dt, .quiet, .lead { color: var(--quiet); }
small { font-size: 14px; }
.lead { font-size: 19px; line-height: 1.45; max-width: 36em; }
.prose { white-space: pre-line; max-width: 40em; margin-top: 24px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; display: inline-block; }
.brand { margin-bottom: 20px; }
.brand a { display: inline-flex; align-items: center; gap: 10px; padding: 8px 0; font-weight: 650; text-decoration: none; }
.brand svg { color: var(--accent); }
.message { padding: 8vh 0; }

.button, button { display: inline-block; font: inherit; font-size: 18px; font-weight: 650; line-height: 1.2; cursor: pointer;
  padding: 15px 28px; min-height: 52px; border: 0; border-radius: 10px; text-decoration: none;
  background: var(--accent); color: var(--on-accent); }
.button:hover, button:hover { background: var(--accent-hover); }
.plain { background: none; color: var(--ink); border: 1.5px solid var(--line); padding: 13px 24px; }
.plain:hover { background: none; border-color: var(--ink); }
.notice form, .state form { margin: 10px 0 12px; }
.notice { border: 1.5px solid var(--warn); background: var(--card); border-radius: 12px; padding: 18px 20px; margin: 24px 0 0; }
.notice.bad { border-color: var(--bad); }
.notice p:last-child { margin: 0; }
.notice .button { margin-top: 4px; }
.badge { display: inline-block; font-size: 14px; font-weight: 650; line-height: 1; padding: 6px 10px; white-space: nowrap;
  border: 1.5px solid; border-radius: 999px; color: var(--quiet); }
.badge.bad { color: var(--bad); }
.badge.good { color: var(--accent); }

.events li + li { margin-top: 12px; }
.events a { display: grid; grid-template-columns: 76px 1fr auto; align-items: center; gap: 4px 20px; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; padding: 18px 22px 18px 0; text-decoration: none; }
.events a:hover { border-color: var(--accent); }
.events .leaf { text-align: center; border-right: 2px dashed var(--line); line-height: 1.15; font-size: 14px; color: var(--quiet); }
.events .leaf b { display: block; font-size: 28px; letter-spacing: -.02em; color: var(--ink); }
.events h2 { font-size: 21px; margin: 0 0 4px; }
.events p { margin: 0; font-size: 15px; }
.events .price { text-align: right; font-size: 15px; color: var(--quiet); }
.events .price b { display: block; font-size: 19px; color: var(--ink); white-space: nowrap; }

.hero { position: relative; display: grid; grid-template-columns: 1fr 256px; background: var(--ground); color: #fff;
  border-radius: 16px; --small: rgb(255 255 255 / .82); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.hero .face { padding: 34px 36px 36px; min-width: 0; align-self: center; }
.hero h1 { margin: 4px 0 0; }
.hero .organiser { margin: 0; color: var(--small); }
.hero dt { color: var(--small); font-size: 14px; }
.hero dd { font-weight: 600; line-height: 1.3; }
.hero .badge { color: #fff; margin-top: 16px; }
.stub { position: relative; border-left: 2px dashed rgb(255 255 255 / .45); padding: 28px 24px; display: grid;
  align-content: center; gap: 16px; }
.stub::before, .stub::after { content: ""; position: absolute; left: -13px; width: 24px; height: 24px; border-radius: 50%;
  background: var(--page); }
.stub::before { top: -12px; }
.stub::after { bottom: -12px; }

fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend { padding: 0; }
legend h2 { margin-top: 36px; }
.tiers, .fields, .sums { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tier { display: grid; grid-template-columns: 1fr auto 104px; align-items: center; gap: 4px 24px; padding: 18px 22px; }
.tier + .tier, .sums div + div { border-top: 1px solid var(--line); }
.tier label, .tier .name { font-size: 19px; font-weight: 650; line-height: 1.25; }
.tier p { margin: 2px 0 0; font-size: 15px; }
.tier .price { text-align: right; }
.tier .price b { display: block; font-size: 19px; white-space: nowrap; }
.tier .price small { white-space: nowrap; }
.tier .wrong { grid-column: 1 / -1; }
.tier .none { text-align: center; }
.fields { padding: 20px 22px; display: grid; grid-template-columns: 1fr 1fr; gap: 16px 20px; }
.fields label { display: block; font-weight: 600; font-size: 16px; margin-bottom: 6px; }
input { width: 100%; min-width: 0; font: inherit; font-size: 18px; color: var(--ink); background: var(--page);
  border: 1.5px solid var(--field); border-radius: 8px; padding: 11px 12px; min-height: 50px; }
input[type=number] { text-align: center; font-weight: 650; }
input[aria-invalid] { border-color: var(--bad); }
.wrong { color: var(--bad); font-size: 15px; margin: 6px 0 0; font-weight: 600; }
.act { margin-top: 24px; display: flex; flex-wrap: wrap; align-items: center; gap: 12px 24px; }
.act p { margin: 0; font-size: 15px; flex: 1 1 260px; }

.state { margin-bottom: 8px; }
.sums div { display: flex; justify-content: space-between; gap: 24px; padding: 12px 22px; }
.sums dt { color: inherit; }
.sums dd { white-space: nowrap; text-align: right; }
.sums + p { margin-top: 14px; }
.sums .total { font-weight: 700; font-size: 19px; }
.tickets { margin-top: 28px; }
.pages { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 24px; margin: 20px 0; }
.pages span { flex: 1 1 240px; font-weight: 600; }
.pages a { padding: 8px 0; }
.tickets > li { position: relative; display: grid; grid-template-columns: 1fr auto; background: var(--ground); color: #fff;
  border-radius: 16px; margin-bottom: 20px; --small: rgb(255 255 255 / .82); }
.tickets .face { padding: 28px 32px; min-width: 0; display: grid; align-content: space-between; gap: 20px; }
.tickets h2 { margin: 4px 0 8px; font-size: clamp(24px, 5vw, 34px); }
.tickets p { margin: 0; }
.tickets dl { display: flex; flex-wrap: wrap; gap: 10px 28px; }
.tickets dt { color: var(--small); font-size: 14px; }
.tickets dd { font-weight: 600; }
.tickets .number, .tickets .where { color: var(--small); }
.tickets .badge { color: #fff; }
.tickets .stub { padding: 24px; justify-items: center; gap: 10px; }
.code { background: #fff; padding: 10px; border-radius: 10px; width: calc(var(--code-size) + 20px); }
.code svg { display: block; width: var(--code-size); height: var(--code-size); shape-rendering: crispEdges; }
.letters { font: 13px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; max-width: 200px; text-align: center;
  color: var(--small); overflow-wrap: normal; }
.tickets > .gone { background: var(--card); color: var(--ink); outline: 1px solid var(--line); --small: var(--quiet); }
.tickets > .gone .stub { border-color: var(--line); min-width: 248px; }
.tickets > .gone .stub::before, .tickets > .gone .stub::after { box-shadow: none; }
.tickets > .gone .badge { color: var(--quiet); }
.tickets > .used .code { opacity: .35; }

@media screen and (max-width: 640px) {
  body { padding: 8px 16px 56px; font-size: 16px; }
  .brand { margin-bottom: 8px; }
  .hero, .tickets > li { grid-template-columns: 1fr; }
  .hero .face, .tickets .face { padding: 24px; }
  .stub { border-left: 0; border-top: 2px dashed rgb(255 255 255 / .45); padding: 24px; }
  .stub::before, .stub::after { top: -13px; left: -12px; bottom: auto; }
  .stub::after { left: auto; right: -12px; }
  .events a { grid-template-columns: 64px 1fr; gap: 4px 16px; padding: 16px 16px 16px 0; }
  .events .price { grid-column: 2; text-align: left; }
  .events .price b { display: inline; font-size: 17px; }
  .tier { grid-template-columns: 1fr 92px; padding: 16px; }
  .tier .price { grid-row: 2; text-align: left; }
  .tier .price b, .tier .price small { display: inline; white-space: normal; }
  .tier .price b { font-size: 17px; margin-right: 4px; }
  .tier input, .tier .none { grid-row: 1 / span 2; grid-column: 2; }
  .fields { grid-template-columns: 1fr; padding: 16px; }
  .act button, .notice .button, .notice button, .pay, .state button { width: 100%; text-align: center; }
  .sums div { padding: 12px 16px; }
  :root { --code-size: min(240px, 62vw); }
}
@media print {
  @page { margin: 16mm; }
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #333; --line: #999; --ground: #fff; --code-size: 62mm; }
  body { padding: 0; max-width: none; }
  .brand, .skip, .screen, .tickets > .gone { display: none !important; }
  .tickets { margin: 0; }
  .tickets > li { color: #000; border: 1.5px solid #000; border-radius: 4mm; grid-template-columns: 1fr auto; --small: #333;
    break-inside: avoid; break-after: page; margin: 0; }
  .tickets > li:last-child { break-after: auto; }
  .tickets .stub { border-color: #000; }
  .tickets .stub::before, .tickets .stub::after { display: none; }
  .tickets .badge { color: #000; }
}
`
