import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** Compile cache, if this process has one, for a child of ours that inherits nothing else: it starts in half the time. */
export function compileCache(): Readonly<Record<string, string>> {
  // Node's own folder in it is named after version and flags, and the child may have others.
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}
