import { raw } from 'hono/html'
import { type Content, embeddedJson, type Html, html } from './markup.ts'
import { STYLE } from './style.ts'

interface Page {
  readonly title: string
  /** Rules of this page beside those that every page has. */
  readonly style: string
  readonly header: Html
  readonly main: Content
  /** What the page was made from: inside it as `#results`. */
  readonly results: unknown
}

/**
 * A page that needs no network and no script. Its policy forbids scripts and every request, so that nothing a run has seen
 * can act in it.
 */
export function page({ title, style, header, main, results }: Page): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${raw(STYLE)}${raw(style)}</style>
</head>
<body>
${header}
<main>
${main}
</main>
<script type="application/json" id="results">${embeddedJson(results)}</script>
</body>
</html>
`)
}

interface Ticket {
  /** A class that colours it: what it says is in words. */
  readonly tone: string
  /** What kind of page it is. */
  readonly kind: string
  readonly title: Content
  readonly sentence: string
  readonly more: Content
  readonly stub: readonly Fact[]
}

/** A page's head as a ticket: the word, the sentence, and a stub that names the run. */
export function ticket({ tone, kind, title, sentence, more, stub }: Ticket): Html {
  return html`<header class="ticket ${tone}">
<div class="face">
<p class="brand">Admit Once <span>${kind}</span></p>
<h1>${title}</h1>
<p class="sentence">${sentence}</p>
${more}
</div>
<dl class="stub">
${stub.map(
  ([term, fact]) => html`<div><dt>${term}</dt><dd>${fact}</dd></div>
`,
)}</dl>
</header>`
}

export type Fact = readonly [term: string, fact: string]

export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">${facts.map(([term, fact]) => html`<div><dt>${term}</dt><dd>${fact}</dd></div>`)}</dl>`
}
