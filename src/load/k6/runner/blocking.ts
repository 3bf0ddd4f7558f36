import { scriptFiles } from './script-source.ts'

/**
 * Whether a script, or a file that it imports, may make a call that blocks: it names one, or hands the module that has it on.
 * It may say so of a script that does not, which then runs slower, and never the other way round.
 */
export function mayBlock(script: string): boolean {
  return scriptFiles(script).some(({ source }) => blocks(source))
}

/** What is asynchronous, or takes no time, of the modules that also have calls which block. */
const swift: Readonly<Record<string, readonly string[]>> = {
  k6: ['check', 'fail', 'group', 'randomSeed'],
  'k6/http': [
    ...['asyncRequest', 'expectedStatuses', 'setResponseCallback', 'url', 'file', 'cookieJar', 'CookieJar'],
  ],
  'k6/ws': [],
}

/** Libraries that guests have: see `guest/instance.ts`. */
const JSLIB = /\bfrom\s*['"]https:\/\/jslib\.k6\.io\//

/** Methods of a response that block. */
const PAGES = /\.\s*(submitForm|clickLink)\s*\(/

function blocks(source: string): boolean {
  if (JSLIB.test(source) || PAGES.test(source)) return true
  const imports = source.matchAll(/\b(import|export)\b([^'"`;()]*?)\bfrom\s*(['"])(k6|k6\/http|k6\/ws)\3/g)
  return [...imports].some(([statement, keyword, clause = '', , module = '']) => {
    const allowed = swift[module] ?? []
    if (keyword === 'export' || module === 'k6/ws') return true
    const [, named = ''] = /\{([^}]*)\}/.exec(clause) ?? []
    const names = named.split(',').flatMap((part) => part.trim().split(/\s+as\s+/)[0] || [])
    if (names.some((name) => !name.startsWith('type ') && !allowed.includes(name) && /^[a-z]/.test(name)))
      return true
    const whole = /^\s*(?:\*\s*as\s+)?([\w$]+)/.exec(clause.replace(/\{[^}]*\}/, ''))?.[1]
    return whole !== undefined && isUsedOtherwise(source.replace(statement, ''), whole, allowed)
  })
}

/** Uses of a module by its name, but for its members that do not block, and for the word in texts like `'http'` and URLs. */
function isUsedOtherwise(source: string, name: string, allowed: readonly string[]): boolean {
  const uses = source.matchAll(new RegExp(`(?<![\\w$.'"\`/-])${name}(?![\\w$'"\`-]|\\s*:)`, 'g'))
  const member = new RegExp(`^\\s*\\.\\s*(?:${allowed.join('|')})\\b`)
  return [...uses].some(({ index }) => !member.test(source.slice(index + name.length)))
}
