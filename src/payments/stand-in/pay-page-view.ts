import { html, raw } from 'hono/html'
import { CARD_HINTS } from './cards.ts'
import { amountText } from './currencies.ts'
import type { Line, Session } from './state.ts'

/** The page of an open session. `html` escapes whatever is put in. */
export function payPage(session: Session, problem: string | null = null) {
  const total = amountText(session.amount, session.currency)
  const lines = session.lines.map((line) => lineView(line, session.currency))
  return frame(
    `Pay ${total}`,
    html`<section class="order" aria-labelledby="order">
      <h1 id="order"><span>Total</span> ${total}</h1>
      <ul>${lines}</ul>
    </section>
    <section class="pay" aria-label="Payment">
      ${problem === null ? '' : html`<p class="problem" role="alert">${problem}</p>`}
      ${cardForm(session, total, problem !== null)} ${session.amount === 0 ? '' : debitForm(total)}
      ${session.cancel_url === null ? '' : html`<a class="cancel" href="${session.cancel_url}">Cancel</a>`}
    </section>`,
  )
}

/** A page that only says something. */
export function plainPage(title: string, text: string, back: string | null) {
  return frame(
    title,
    html`<section class="pay">
      <h1>${title}</h1>
      <p>${text}</p>
      ${back === null ? '' : html`<a class="button" href="${back}">Continue</a>`}
    </section>`,
  )
}

function lineView({ name, description, unit_amount, quantity }: Line, currency: string) {
  const each = quantity === 1 ? '' : html`<small>${quantity} × ${amountText(unit_amount, currency)}</small>`
  return html`<li>
    <span>${name}${description === null ? '' : html`<small>${description}</small>`}${each}</span>
    <span>${amountText(unit_amount * quantity, currency)}</span>
  </li>`
}

function cardForm(session: Session, total: string, wasRefused: boolean) {
  const hints = CARD_HINTS.map(([number, what]) => html`<li><code>${number}</code> ${what}</li>`)
  const card = html`<label for="card">Card number</label>
      <input id="card" name="card" required inputmode="numeric" autocomplete="off" maxlength="25"
        placeholder="4242 4242 4242 4242" aria-describedby="hints"
        ${raw(wasRefused ? 'aria-invalid="true" autofocus' : 'autofocus')}>
      <ul class="hints" id="hints">${hints}</ul>`
  return html`<form method="post">
      ${emailField(session)}
      ${session.amount === 0 ? html`<input type="hidden" name="card" value="none">` : card}
      <button class="button">${session.amount === 0 ? 'Complete the order' : `Pay ${total}`}</button>
    </form>`
}

function emailField({ customer_email }: Session) {
  if (customer_email !== null) return html`<p class="quiet">Receipt to ${customer_email}</p>`
  return html`<label for="email">E-mail</label>
      <input id="email" name="email" type="email" autocomplete="email">`
}

function debitForm(total: string) {
  return html`<details>
      <summary>Pay by bank debit instead</summary>
      <form method="post">
        <input type="hidden" name="method" value="bank_debit">
        <p class="quiet">A bank debit takes a while. You decide how this one ends.</p>
        <fieldset>
          <legend>The debit of ${total}</legend>
          <label><input type="radio" name="outcome" value="succeeds" checked> succeeds</label>
          <label><input type="radio" name="outcome" value="fails"> fails</label>
        </fieldset>
        <label for="after">After how many seconds</label>
        <input id="after" name="after_seconds" type="number" min="0" value="10">
        <button class="button plain">Start the debit</button>
      </form>
    </details>`
}

function frame(title: string, content: ReturnType<typeof html>) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<p class="banner"><strong>Stand-in for Stripe.</strong> No money moves here, and no real card belongs here.</p>
<main>${content}</main>
</body>
</html>`
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1f26; --quiet: #5b6270; --paper: #fff; --ground: #f4f5f7; --edge: #d5d9e0;
  --act: #3d46c2; --on-act: #fff; --bad: #a3142b; --bad-ground: #fdecef; --note: #fff3cd; --on-note: #523f00; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --quiet: #a6adba; --paper: #1b1e25; --ground: #121419;
  --edge: #3a404c; --act: #8d95ff; --on-act: #11132f; --bad: #ffb3bf; --bad-ground: #4a1420; --note: #3b3000; --on-note: #ffe69a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
.banner { margin: 0; padding: .6rem 1rem; background: var(--note); color: var(--on-note); text-align: center; }
main { display: flex; flex-wrap: wrap; gap: 2.5rem; justify-content: center; max-width: 62rem; margin: 0 auto; padding: 3rem 1.25rem; }
section { flex: 1 1 20rem; max-width: 28rem; min-width: 0; }
.pay { padding: 1.75rem; background: var(--paper); border: 1px solid var(--edge); border-radius: 14px; align-self: flex-start; }
h1 { margin: 0 0 1.25rem; font-size: 2.25rem; line-height: 1.15; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 span { display: block; font-size: 1rem; font-weight: 500; color: var(--quiet); }
.pay h1 { font-size: 1.5rem; }
ul { margin: 0; padding: 0; list-style: none; }
.order li { display: flex; justify-content: space-between; gap: 1rem; padding: .75rem 0; border-top: 1px solid var(--edge);
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.order li span:last-child { white-space: nowrap; }
small { display: block; color: var(--quiet); }
.quiet { color: var(--quiet); }
form > * { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input[type=email], input[type=number], #card { display: block; width: 100%; padding: .7rem .8rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--quiet); border-radius: 8px; }
#card { font-variant-numeric: tabular-nums; letter-spacing: .04em; }
[aria-invalid] { border-color: var(--bad) !important; }
::placeholder { color: var(--quiet); opacity: 1; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.hints { font-size: .875rem; color: var(--quiet); }
.hints code { font: inherit; font-variant-numeric: tabular-nums; color: var(--ink); }
.button { display: block; width: 100%; padding: .85rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  color: var(--on-act); background: var(--act); border: 1px solid var(--act); border-radius: 8px; cursor: pointer; }
.button.plain { color: var(--act); background: transparent; }
.problem { margin: 0 0 1rem; padding: .75rem 1rem; color: var(--bad); background: var(--bad-ground); border-radius: 8px; }
details { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--edge); }
summary { cursor: pointer; font-weight: 600; }
details form { margin-top: 1rem; }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; }
legend { font-weight: 600; padding: 0; }
fieldset label { font-weight: 400; margin: 0; padding: .35rem 0; }
.cancel { display: block; margin-top: 1.25rem; padding: .35rem; text-align: center; color: var(--quiet); }
@media (max-width: 44rem) { main { padding: 1.5rem 1rem; gap: 1.25rem; } .pay { padding: 1.25rem; } }
`
