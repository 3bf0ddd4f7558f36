import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'

/** JWT_SECRET, or this installation's own: made once, kept where only its owner reads it. */
export async function jwtSecretOf(config: Config): Promise<string> {
  if (config.jwtSecret !== undefined) return config.jwtSecret
  const path = join(config.home, 'jwt-secret')
  await mkdir(config.home, { recursive: true })
  try {
    // `wx`: of two processes that find none, one makes it and both read that one.
    await writeFile(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return (await readFile(path, 'utf8')).trim()
}
