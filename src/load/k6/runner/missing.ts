import { scriptFiles } from './script-source.ts'
import { unsupported } from './stop.ts'

/**
 * Refuses what the built-in runner lacks where a script names it, before its first request. What a script reaches in other ways is
 * refused when it is called.
 */
export function refuseMissing(script: string): void {
  for (const { source } of scriptFiles(script)) {
    if (!/['"]k6(\/[\w/]+)?['"]/.test(source)) continue
    const code = withoutTexts(source)
    for (const [pattern, what, instead] of missing) if (pattern.test(code)) throw unsupported(what, instead)
  }
}

const missing: readonly (readonly [pattern: RegExp, what: string, instead: string])[] = [
  [/\bcrypto\s*\.\s*subtle\b/, 'crypto.subtle', 'use k6/crypto'],
]

/** Comments and plain texts are no calls; what a template has between `${` and `}` is code. */
function withoutTexts(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
}
