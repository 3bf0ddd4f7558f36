import { z } from 'zod'
import type { KnownKeys } from '../api/authenticator.ts'

/** Supabase's names for what we call otherwise; a secret of our own name goes before. */
export function variablesOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { SUPABASE_DB_URL, SUPABASE_URL, DATABASE_URL, PUBLIC_URL, CLIENT_ADDRESS_HEADER, JWKS_URL } =
    environment
  const ownKeys = SUPABASE_URL === undefined ? '' : `${SUPABASE_URL}/auth/v1/.well-known/jwks.json`
  return {
    DATABASE_URL: DATABASE_URL ?? SUPABASE_DB_URL ?? '',
    PUBLIC_URL: PUBLIC_URL ?? SUPABASE_URL ?? '',
    // The project's Auth signs with these where it has left its secret behind.
    JWKS_URL: JWKS_URL ?? ownKeys,
    // Behind the project's gateway there is no connection to ask: two guests must not be one.
    CLIENT_ADDRESS_HEADER: CLIENT_ADDRESS_HEADER ?? 'x-forwarded-for',
  }
}

/** The project's API keys: those of the older form, and of the newer one as objects of names and keys. */
export function apiKeysIn(environment: Readonly<Record<string, string>>): KnownKeys {
  const { SUPABASE_ANON_KEY, SUPABASE_SERVICE_ROLE_KEY } = environment
  return {
    anon: [...one(SUPABASE_ANON_KEY), ...named(environment['SUPABASE_PUBLISHABLE_KEYS'])],
    service: [...one(SUPABASE_SERVICE_ROLE_KEY), ...named(environment['SUPABASE_SECRET_KEYS'])],
  }
}

function one(key: string | undefined): readonly string[] {
  return key === undefined || key === '' ? [] : [key]
}

const names = z.record(z.string(), z.string().min(1))

function named(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return []
  return Object.values(names.parse(JSON.parse(text)))
}
