import { randomUUID } from 'node:crypto'
import type { ApiKeys } from '../api/keys.ts'
import type { Config } from '../config.ts'
import { LOSES_AT_FAILOVER, losesAtFailover } from '../db/durability.ts'
import { DEMO } from './demo.ts'
import type { Payments } from './payments.ts'
import type { Serving } from './serving.ts'

/** A server that is open. */
export interface BoxOffice extends Serving {
  readonly payments: Payments
  readonly hasDemo: boolean
  readonly databaseUrl: string
  readonly source: 'embedded' | 'DATABASE_URL'
}

/** Says on standard output where it is, and what opens it. */
export function announce(office: BoxOffice, config: Config): void {
  const { keys, version, source, durability, payments, newKey, hasDemo } = office
  const url = config.publicUrl ?? office.url
  const warnings = [payments.warning, losesAtFailover(durability) ? LOSES_AT_FAILOVER : undefined]
  const variables = Object.entries(payments.variables).map(([name, value]) => `  ${name}=${value}`)
  const lines = [
    '',
    '  Admit Once is open.',
    '',
    `  URL          ${url}${url === office.url ? '' : ` (listens on ${office.url})`}`,
    `  database     PostgreSQL ${version} (${source})`,
    ...databaseLines(office, config),
    ...(config.workers > 1 ? [`  workers      ${config.workers} processes`] : []),
    `  payments     ${payments.described}`,
    `  sign-in      ${signInLine(office, config)}`,
    `  realtime     ${office.missing === undefined ? '/realtime/v1' : `without changes of tables: ${office.missing}`}`,
    ...keyLines(keys, config),
    ...(newKey === undefined ? [] : ['', ...newKeyLines(newKey, config)]),
    ...(variables.length > 0 ? ['', '  For scripts that pay or send webhooks:', ...variables] : []),
    ...(hasDemo ? ['', demoOrder(url)] : []),
    ...warnings.flatMap((warning) => (warning === undefined ? [] : ['', `  WARNING: ${warning}`])),
    '',
    '  Ctrl-C stops it.',
  ]
  console.log(lines.join('\n'))
}

/** What psql is given: our own server has another port at each start. Its password is shown at a terminal only. */
function databaseLines({ databaseUrl }: BoxOffice, config: Config): string[] {
  if (config.databaseUrl !== undefined || !process.stdout.isTTY) return []
  return [`               ${databaseUrl}`]
}

function signInLine({ hasOwnUsers: isOwn }: BoxOffice, { auth }: Config): string {
  if (!isOwn) return "Supabase Auth's, at the project's own URL"
  return auth.smtpUrl === undefined ? '/auth/v1 (no SMTP_URL: codes are printed here)' : '/auth/v1'
}

/** Where real orders are made, keys are shown to a person at a terminal, and kept out of what services log. */
function keyLines(keys: ApiKeys, { stripe, home }: Config): string[] {
  if (stripe !== undefined && !process.stdout.isTTY) {
    return [`  keys         made of JWT_SECRET or ${home}/jwt-secret; shown at a terminal only`]
  }
  return [
    `  anon key     ${keys.publishable}`,
    `  secret key   ${keys.secret}`,
    '',
    '  The same as JWTs, for older clients:',
    `  anon         ${keys.anon}`,
    `  service_role ${keys.serviceRole}`,
  ]
}

function newKeyLines(kid: number, { ticketSigningKey, home }: Config): string[] {
  const kept =
    ticketSigningKey === undefined
      ? `It is in ${home}/ticket-key: keep that folder, or set TICKET_SIGNING_KEY. There can be 255 keys.`
      : 'What the keys before it signed still admits.'
  return [`  A new key signs codes, number ${kid}. ${kept}`]
}

function demoOrder(url: string): string {
  return `  Buy tickets of the demo event in a browser:
  ${url}/events/${DEMO.slug}
  Card 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.

  Or order two free ones:
  curl ${url}/functions/v1/create-ticket-checkout \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: ${randomUUID()}' \\
    -d '{"eventId":"${DEMO.slug}","items":[{"tierId":"${DEMO.freeTier}","quantity":2}],
         "customerName":"Ada","customerEmail":"ada@example.org"}'`
}
