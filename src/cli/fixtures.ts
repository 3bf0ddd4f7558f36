import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import { deriveKeys, mintToken } from '../api/keys.ts'
import { readConfig } from '../config.ts'
import {
  FIXTURES,
  type Fixture,
  type FixtureName,
  makeFixture,
  removeFixture,
  TICKETS_MAX,
} from '../proof/fixtures.ts'
import { withDatabase } from './database.ts'
import { CommandError } from './failure.ts'
import { jwtSecretOf } from './secrets.ts'

export const fixtures = defineCommand({
  meta: {
    name: 'fixtures',
    description:
      'Make the data that a scenario needs and print its variables: eval "$(admit-one fixtures …)"',
  },
  args: {
    scenario: { type: 'positional', description: Object.keys(FIXTURES).join(' | ') },
    slug: { type: 'string', description: 'slug of the event (the scenario)' },
    tierSlug: { type: 'string', description: 'slug of the tier (general-admission)' },
    stock: { type: 'string', description: 'tickets for sale' },
    tickets: { type: 'string', description: 'tickets already sold, for scanners' },
    data: { type: 'string', description: 'a folder for test-tickets.json' },
    results: { type: 'string', description: 'a folder to make for results: k6 makes none' },
    remove: { type: 'boolean', description: 'remove the fixture and everything sold of it' },
  },
  run: async ({ args }) => {
    const name = scenarioOf(args.scenario ?? '')
    const slug = args.slug ?? name
    const config = readConfig()
    if (args.remove) {
      const removed = await withDatabase(config, (client) => removeFixture(client, slug))
      console.error(removed ? `Removed the fixture "${slug}".` : `There is no fixture "${slug}".`)
      return
    }
    const fixture = await withDatabase(config, (client) =>
      makeFixture(client, name, {
        slug,
        ...(args.tierSlug === undefined ? {} : { tierSlug: args.tierSlug }),
        ...numberOption('stock', args.stock, 10_000_000),
        ...numberOption('tickets', args.tickets, TICKETS_MAX),
      }),
    )
    if (args.data !== undefined) await writeTickets(args.data, fixture)
    if (args.results !== undefined) await mkdir(args.results, { recursive: true })
    const variables = await variablesOf(
      fixture,
      await jwtSecretOf(config),
      `http://${config.host}:${config.port}`,
    )
    for (const [key, value] of Object.entries(variables)) console.log(`export ${key}='${value}'`)
    if (args.results !== undefined)
      console.log(`export RESULTS_DIR='${args.results.replaceAll("'", String.raw`'\''`)}'`)
  },
})

/** What scripts read, as CONTRACT's list names it. The server is where this configuration would start it. */
export async function variablesOf(
  fixture: Fixture,
  jwtSecret: string,
  url: string,
): Promise<Record<string, string>> {
  const keys = await deriveKeys(jwtSecret)
  return {
    SUPABASE_URL: url,
    BASE_URL: `${url}/functions/v1`,
    SUPABASE_ANON_KEY: keys.anon,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRole,
    EVENT_ID: fixture.eventId,
    TIER_ID: fixture.tierId,
    TEST_EVENT_ID: fixture.eventId,
    TEST_TIER_ID: fixture.tierId,
    TEST_BUSINESS_ID: fixture.businessId,
    TEST_USER_TOKEN: await mintToken(jwtSecret, { sub: fixture.buyerId, email: 'buyer@example.org' }),
    TEST_SCANNER_ID: fixture.scannerId,
    TEST_SCANNER_TOKEN: await mintToken(jwtSecret, { sub: fixture.scannerId, email: 'door@example.org' }),
    ...(fixture.raceTicket === undefined
      ? {}
      : {
          // One environment variable holds 128 KiB; a code has 32 characters.
          TEST_TICKET_TOKENS: fixture.tickets
            .slice(0, TOKENS_MAX)
            .map((ticket) => ticket.qr_code)
            .join(','),
          RACE_TEST_TICKET_ID: fixture.raceTicket.id,
        }),
  }
}

const TOKENS_MAX = 2_000

/** `test-tickets.json`, as scanner scripts open it. */
export async function writeTickets(folder: string, fixture: Fixture): Promise<string> {
  await mkdir(folder, { recursive: true })
  const tickets = fixture.tickets.map(({ id, event_id }) => ({ id, event_id, type: 'valid' }))
  const path = join(folder, 'test-tickets.json')
  await writeFile(
    path,
    `${JSON.stringify({ tickets, raceTestTicket: { id: fixture.raceTicket?.id } }, null, 2)}\n`,
  )
  return path
}

function scenarioOf(name: string): FixtureName {
  if (name in FIXTURES) return name as FixtureName
  throw new CommandError(`There is no scenario "${name}": ${Object.keys(FIXTURES).join(', ')}.`)
}

function numberOption<Key extends string>(
  key: Key,
  text: string | undefined,
  max: number,
): Partial<Record<Key, number>> {
  if (text === undefined) return {}
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new CommandError(`--${key} must be a whole number from 0 to ${max}.`)
  }
  return { [key]: value } as Partial<Record<Key, number>>
}
