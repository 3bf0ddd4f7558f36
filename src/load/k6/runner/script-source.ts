import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, resolve } from 'node:path'
import { describe, exitCodes, Stop } from './stop.ts'

const sources = new Map<string, string>()

/** A file of a script as JavaScript, its lines where they were. Fails with a `Stop` where TypeScript cannot be read. */
export function scriptSource(file: string): string {
  const known = sources.get(file)
  if (known !== undefined) return known
  if (!existsSync(file)) throw new Stop(exitCodes.scriptException, `${file} is not a file`)
  const text = readFileSync(file, 'utf8')
  const source = /\.[cm]?ts$/.test(file) ? withoutTypes(text, file) : text
  sources.set(file, source)
  return source
}

/** The script, and every file that it or one of those imports. */
export function scriptFiles(script: string): readonly { readonly file: string; readonly source: string }[] {
  const found = new Set([script])
  for (const file of found) {
    const imported = scriptSource(file).matchAll(/\b(?:from|import)\s*\(?\s*(['"])(\.{0,2}\/[^'"]+)\1/g)
    for (const [, , specifier = ''] of imported) {
      const path = resolve(dirname(file), specifier)
      if (existsSync(path) && /\.[cm]?[jt]s$/.test(path)) found.add(path)
    }
  }
  return [...found].map((file) => ({ file, source: scriptSource(file) }))
}

/** Enums and namespaces are code, not types alone: those are transformed, as in k6. */
function withoutTypes(text: string, file: string): string {
  try {
    return stripTypeScriptTypes(text)
  } catch {
    try {
      return stripTypeScriptTypes(text, { mode: 'transform' })
    } catch (error) {
      throw new Stop(exitCodes.scriptException, `${file}: ${describe(error)}`, { cause: error })
    }
  }
}
