import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'

/** JWT_SECRET, or this installation's own. */
export async function jwtSecretOf(config: Config): Promise<string> {
  return config.jwtSecret ?? (await keptSecret(config.home, 'jwt-secret', () => random(32, 'hex')))
}

/** STRIPE_WEBHOOK_SECRET, of several the first, or the stand-in's own: what a sender signs with. */
export async function webhookSecretOf(config: Config): Promise<string> {
  const make = () => `whsec_${random(24, 'base64url')}`
  return config.webhookSecret?.split(',')[0] ?? (await keptSecret(config.home, 'stripe-webhook-secret', make))
}

/** TICKET_SIGNING_KEY, or this installation's own: the seed of the key that signs codes. */
export async function ticketKeyOf(config: Config): Promise<string> {
  return (
    config.ticketSigningKey ?? (await keptSecret(config.home, 'ticket-key', () => random(32, 'base64url')))
  )
}

/** The key that the stand-in's API asks for. */
export function standInKeyOf(config: Config): Promise<string> {
  const make = () => `sk_test_stand_in_${random(24, 'hex')}`
  return keptSecret(config.home, 'stand-in-key', make)
}

/**
 * A secret that is made once and kept where only its owner reads it. It is written aside and then linked to its name: of two
 * processes that find none both use the first one's, and a crash leaves no empty secret behind.
 */
async function keptSecret(home: string, name: string, make: () => string): Promise<string> {
  const path = join(home, name)
  const kept = await readKept(path)
  if (kept !== undefined) return kept
  await mkdir(home, { recursive: true })
  const aside = `${path}.${random(8, 'hex')}`
  try {
    await writeFile(aside, `${make()}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await link(aside, path).catch((error: unknown) => ignore(error, 'EEXIST'))
  } finally {
    await rm(aside, { force: true })
  }
  return (await readKept(path)) ?? keptSecret(home, name, make)
}

/** Undefined where there is none; an empty one, which a crash of an older version could leave, is removed. */
async function readKept(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => ignore(error, 'ENOENT'))
  const secret = text?.trim()
  if (secret === '') await rm(path, { force: true })
  return secret === '' ? undefined : secret
}

function ignore(error: unknown, code: string): undefined {
  if (error instanceof Error && 'code' in error && error.code === code) return undefined
  throw error
}

function random(bytes: number, encoding: 'hex' | 'base64url'): string {
  return randomBytes(bytes).toString(encoding)
}
