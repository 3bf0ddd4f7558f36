import type { Hono } from 'hono'
import type { AppOptions } from '../../src/api/app.ts'
import { SEED } from '../support/codes.ts'
import { forward, startWorkers, type Workers } from '../support/deno.ts'
import { JWT_SECRET, SECRET_KEY, WEBHOOK_SECRET } from './secrets.ts'

/** These tests ask the functions of `supabase/functions` under Deno, and our own server for all else. */
export const IS_EDGE = process.env['ADMIT_ONCE_TEST_FUNCTIONS'] === 'deno'

/** The gateway before functions under Deno, which know the same database, keys and stand-in as the server. */
export function openEdge(databaseUrl: string, options: Partial<AppOptions> = {}) {
  let workers: Promise<Workers> | undefined
  return {
    before:
      (app: Hono): Hono['fetch'] =>
      async (request, ...more) => {
        const { pathname } = new URL(request.url)
        if (workers === undefined || !pathname.startsWith('/functions/v1/'))
          return app.fetch(request, ...more)
        return forward(await workers, request)
      },
    start: (url: string) => {
      workers = startWorkers({
        SUPABASE_DB_URL: databaseUrl,
        PUBLIC_URL: options.publicUrl ?? url,
        JWT_SECRET,
        TICKET_SIGNING_KEY: SEED,
        ALLOWED_REDIRECTS: (options.allowedRedirects ?? []).join(','),
        ...(options.payments === undefined ? {} : stripe(url)),
      })
    },
    close: async () => {
      await (await workers)?.[Symbol.asyncDispose]()
    },
  }
}

function stripe(url: string) {
  return {
    STRIPE_SECRET_KEY: SECRET_KEY,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_URL: `${url}/api.stripe.com`,
  }
}
