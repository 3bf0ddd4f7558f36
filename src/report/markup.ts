import { html as escapedHtml, raw } from 'hono/html'

/** A piece of HTML; only `html` and hono's `raw` make one. */
export type Html = ReturnType<typeof escapedHtml>

export type Content = string | number | Html | null | readonly Content[]

/**
 * A template whose values are escaped, unless they are HTML already: nothing from a run can become markup, and no
 * character of it can change how the text around it is read.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return escapedHtml(strings, ...values.map(visible))
}

/** JSON that no parser of HTML can mistake for the end of its script element. */
export function embeddedJson(value: unknown): Html {
  return raw(JSON.stringify(value).replaceAll('<', '\\u003c'))
}

function visible(content: Content): Content {
  if (typeof content === 'string') return content.replaceAll(INVISIBLE, escapeSequence)
  return isList(content) ? content.map(visible) : content
}

function isList(content: Content): content is readonly Content[] {
  return Array.isArray(content)
}

/** Control characters and bidirectional marks, such as a reversed reading order; a line break and a tab may stay. */
const INVISIBLE = /[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

function escapeSequence(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
