/** A piece of HTML that is safe to put into a page: only `html` and `trusted` make one. */
export interface Html {
  readonly html: string
}

export type Content = string | number | Html | null | readonly Content[]

/** A template whose values are escaped, unless they are HTML already: nothing from a run can become markup. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: strings.reduce((page, part, at) => page + rendered(values[at - 1] ?? null) + part) }
}

/** For text that is ours, such as the style sheet; never for anything from a run. */
export function trusted(text: string): Html {
  return { html: text }
}

/** JSON that no parser of HTML can mistake for the end of its script element. */
export function embeddedJson(value: unknown): Html {
  return { html: JSON.stringify(value).replaceAll('<', '\\u003c') }
}

function rendered(content: Content): string {
  if (content === null) return ''
  if (typeof content === 'string') return escaped(content)
  if (typeof content === 'number') return String(content)
  return 'html' in content ? content.html : content.map(rendered).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(INVISIBLE, shown).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** Characters that would change how the text around them is read, such as a reversed reading order. */
const INVISIBLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

function shown(character: string): string {
  if (character === '\n' || character === '\t') return character
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
