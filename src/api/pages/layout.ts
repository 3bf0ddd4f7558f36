import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { STYLE } from './style.ts'

/** A piece of HTML; every value that is put into one is escaped. */
export type Html = ReturnType<typeof html>

/** What a browser gets: a page, or another address. */
export interface Page {
  readonly status: number
  readonly body: Html
  readonly headers?: Readonly<Record<string, string>>
}

interface Document {
  readonly title: string
  readonly body: Html
  /** The page asks for itself again after this long. */
  readonly refreshSeconds?: number | undefined
}

/** The frame of every page: no script, nothing from elsewhere, one style sheet. */
export function layout({ title, body, refreshSeconds }: Document): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refreshSeconds === undefined ? null : html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="brand"><a href="/">${raw(MARK)} Admit Once</a></header>
<main id="main">
${body}
</main>
</body>
</html>
`
}

/** A page that says one thing: an error, or where to go. */
export function messagePage(status: number, title: string, sentence: string, more: Html | null = null): Page {
  const body = html`<section class="message">
<h1>${title}</h1>
<p class="lead">${sentence}</p>
${more}
<p><a href="/">All events</a></p>
</section>`
  return { status, body: layout({ title, body }) }
}

/** Browsers follow the header; the text is for what does not. */
export function goTo(url: string, headers: Readonly<Record<string, string>> = {}): Page {
  const body = layout({ title: 'Go on', body: html`<p>Go on: <a href="${url}">${url}</a></p>` })
  return { status: 303, body, headers: { Location: url, ...headers } }
}

/** Headers of every page: it may hold a secret in its address and personal data in its text. */
export function pageHeaders(publicUrl: string | undefined): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy(publicUrl),
    // Other sites learn nothing; without any, browsers would not say that a form is our own.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  }
}

/**
 * A form's answer sends the browser on to the provider's page, which browsers count as the form's own target. Nothing of a
 * request gets in here: a host may hold a semicolon.
 */
function policy(publicUrl: string | undefined): string {
  const own = publicUrl === undefined ? '' : `${new URL(publicUrl).origin} `
  return [
    `default-src 'none'`,
    `style-src 'sha256-${STYLE_HASH}'`,
    'img-src data:',
    `form-action 'self' ${own}https:`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const MARK = `<svg viewBox="0 0 24 16" width="24" height="16" aria-hidden="true"><path fill="currentColor"
 d="M2 0h20a2 2 0 0 1 2 2v3.5a2.5 2.5 0 0 0 0 5V14a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2v-3.5a2.5 2.5 0 0 0 0-5V2a2 2 0 0 1 2-2z"/></svg>`
