import { homedir } from 'node:os'
import { join } from 'node:path'
import { firstTool, onPath, type Tool } from '../find.ts'

/**
 * k6 on the PATH, else where `go install` puts it; undefined where there is none. With `explicit`, only that program is tried,
 * and the search throws where it is not k6.
 */
export async function findK6(explicit?: string): Promise<Tool | undefined> {
  const paths = explicit === undefined ? [await onPath('k6'), join(homedir(), 'go', 'bin', 'k6')] : [explicit]
  const k6 = await firstTool(paths, 'version', (output) => /^k6(?:\.exe)? (v\S+)/m.exec(output)?.[1])
  if (k6 !== undefined || explicit === undefined) return k6
  throw new Error(`${explicit} is not k6: give its path, "off", or leave it out.`)
}
