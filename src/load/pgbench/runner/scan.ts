/** One command as it stands in a script: SQL text, or a backslash command without its backslash. */
export interface RawCommand {
  readonly kind: 'sql' | 'meta'
  readonly text: string
  readonly line: number
}

/** A script that cannot be run; the message names file, line and construct. */
export class ScriptRefused extends Error {
  override readonly name = 'ScriptRefused'
}

/**
 * Cuts a script into commands where pgbench does: at `;` outside quotes, comments and parentheses, and at a
 * backslash, whose command reaches to the end of its line. `\;` joins two queries into one command.
 */
export function scanScript(source: string, file: string): RawCommand[] {
  const commands: RawCommand[] = []
  for (let at = 0; at < source.length; ) {
    const sql = scanSql(source, at, file)
    if (sql.text !== '') commands.push({ kind: 'sql', text: sql.text, line: lineAt(source, sql.start) })
    at = sql.end
    if (source[at] !== '\\') continue
    const [whole, text = ''] = execAt(META, source, at) ?? ['\\']
    commands.push({ kind: 'meta', text: text.replace(/\\\r?\n/g, ' ').trim(), line: lineAt(source, at) })
    at += whole.length
  }
  return commands
}

const META = /\\((?:[^\n\\]|\\\r?\n|\\)*)/y
const LEADING = /(?:\s|--[^\n]*)*/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const PLAIN_TOKEN =
  /--[^\n]*|e'(?:[^'\\]|\\[\s\S]|'')*'|'[^']*'|"[^"]*"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|\s+|\d+|[\s\S]/iy

/** From `from` to the end of one SQL command; `end` is behind its `;` or at a backslash. */
function scanSql(source: string, from: number, file: string): { text: string; start: number; end: number } {
  const start = from + (execAt(LEADING, source, from)?.[0].length ?? 0)
  let text = ''
  let depth = 0
  let at = start
  let word = ''
  while (at < source.length) {
    const token = nextToken(source, at, file)
    if (token === '\\') break
    at += token.length
    text += token === '\\;' || token === '\\:' ? token.slice(1) : token
    if (token === '(') depth++
    if (token === ')') depth--
    if (token === ';' && depth <= 0) break
    if (/^begin\s+atomic$/i.test(`${word} ${token}`))
      refuse(source, at, file, '"begin atomic" is not supported')
    if (token.trim() !== '') word = token
  }
  return { text: text.trimEnd(), start, end: at }
}

function nextToken(source: string, at: number, file: string): string {
  if (source.startsWith('/*', at)) return blockComment(source, at, file)
  if (source.startsWith('\\;', at) || source.startsWith('\\:', at)) return source.slice(at, at + 2)
  const tag = execAt(DOLLAR_TAG, source, at)?.[0]
  if (tag !== undefined) {
    const close = source.indexOf(tag, at + tag.length)
    if (close < 0) refuse(source, at, file, `dollar quote ${tag} is never closed`)
    return source.slice(at, close + tag.length)
  }
  const token = execAt(PLAIN_TOKEN, source, at)?.[0] ?? ''
  if (token === "'" || token === '"') refuse(source, at, file, `quote ${token} is never closed`)
  return token
}

function blockComment(source: string, from: number, file: string): string {
  let depth = 0
  for (const { 0: mark, index } of source.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1
    if (depth === 0) return source.slice(from, from + index + 2)
  }
  return refuse(source, from, file, 'comment /* is never closed')
}

function refuse(source: string, at: number, file: string, what: string): never {
  throw new ScriptRefused(`${file}:${lineAt(source, at)}: ${what}`)
}

function lineAt(source: string, at: number): number {
  return source.slice(0, at).split('\n').length
}

function execAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(source)
}
