import { after } from 'node:test'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { AuthRules } from '../../src/api/auth/context.ts'
import type { Mail } from '../../src/api/auth/mailer.ts'
import type { Signing } from '../../src/api/authenticator.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { JWT_SECRET, serve, type TestServer } from './scratch.ts'

export interface AuthDesk {
  readonly db: TestDatabase
  readonly server: TestServer
  /** Every mail that was sent. */
  readonly mails: readonly Mail[]
  /** The last code that was sent to an address. */
  codeTo(address: string): string
  client(key?: string): SupabaseClient
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<AuthAnswer>
}

interface AuthAnswer {
  readonly status: number
  readonly code: string | null
  readonly body: Readonly<Record<string, unknown>>
}

/** A server that signs users in, on a database of its own; gone with the file. */
export async function openAuthDesk(rules: Partial<AuthRules> = {}, signing: Signing = {}): Promise<AuthDesk> {
  const db = await testDatabase()
  const mails: Mail[] = []
  const mailer = {
    send: async (mail: Mail) => void mails.push(mail),
    close: () => {},
  }
  const server = await serve(db.url, {
    signing,
    app: { auth: { secret: JWT_SECRET, mailer, rules: { mailPauseSeconds: 0, ...rules } } },
  })
  after(() => server[Symbol.asyncDispose]())
  const { anon } = server.authenticator.keys
  return {
    db,
    server,
    mails,
    codeTo: (address) => /\d{6}/.exec(mails.findLast(({ to }) => to === address)?.text ?? '')?.[0] ?? 'none',
    client: (key = anon) =>
      createClient(server.url, key, { auth: { persistSession: false, autoRefreshToken: false } }),
    post: async (path, body, headers = {}) => {
      const response = await fetch(`${server.url}/auth/v1/${path}`, {
        method: 'POST',
        headers: {
          apikey: anon,
          'content-type': 'application/json',
          'x-supabase-api-version': '2024-01-01',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      const text = await response.text()
      return {
        status: response.status,
        code: response.headers.get('x-sb-error-code'),
        body: text === '' ? {} : JSON.parse(text),
      }
    },
  }
}
