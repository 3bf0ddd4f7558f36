import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import type { CodeSigner } from '../api/code-signer.ts'
import { deriveKeys, mintToken } from '../api/keys.ts'
import { type Config, readConfig, refuseLiveKey } from '../config.ts'
import { qrSpelling } from '../core/code-token.ts'
import {
  FIXTURES,
  type Fixture,
  type FixtureName,
  type FixtureOptions,
  makeFixture,
  ordersFileOf,
  removeFixture,
  ticketsFileOf,
} from '../proof/fixtures/fixtures.ts'
import {
  FIXTURE_FLAGS,
  type FixtureFlagName,
  type FixtureSizes,
  TICKET_TOKENS_MAX,
} from '../proof/fixtures/flags.ts'
import { withInstalled } from './database.ts'
import { CommandError } from './failure.ts'
import { gateCodeVariables } from './gate-codes.ts'
import { jwtSecretOf, ticketKeyOf, webhookSecretOf } from './secrets.ts'
import { openSigner } from './signing-key.ts'

const FLAG_NAMES = Object.keys(FIXTURE_FLAGS) as FixtureFlagName[]

export const fixtures = defineCommand({
  meta: {
    name: 'fixtures',
    description:
      'Make the data that a scenario needs and print its variables: eval "$(admit-once fixtures …)"',
  },
  args: {
    scenario: {
      type: 'positional',
      required: false,
      description: `${Object.keys(FIXTURES).join(' | ')}; lists them where it is left out`,
    },
    slug: { type: 'string', description: 'slug of the event (the scenario)' },
    'tier-slug': { type: 'string', description: 'slug of the tier (general-admission)' },
    ...sizeArguments(),
    data: { type: 'string', description: 'a folder for test-tickets.json or webhook-orders.json' },
    results: { type: 'string', description: 'a folder to make for results: k6 makes none' },
    remove: { type: 'boolean', description: 'remove the fixture and everything sold of it' },
  },
  run: async ({ args }) => {
    if (args._.length === 0 && args.remove !== true) return list()
    const name = scenarioOf(args._)
    const slug = args.slug === undefined ? name : slugOption('slug', args.slug)
    const options = optionsOf(args)
    const config = readConfig()
    refuseLiveKey(config, 'a load test')
    if (args.remove) {
      const removed = await withInstalled(config, (client) => removeFixture(client, slug))
      console.error(removed ? `Removed the fixture "${slug}".` : `There is no fixture "${slug}".`)
      return
    }
    const { fixture, codes, door, databaseUrl } = await withInstalled(config, async (client, url) => {
      const codes = await openSigner(await ticketKeyOf(config), client)
      const fixture = await makeFixture(client, name, { ...options, slug })
      return { fixture, codes, door: await gateCodeVariables(fixture, codes, client), databaseUrl: url }
    })
    const variables = {
      ...(await variablesOf(fixture, { ...(await secretsOf(config)), codes }, urlOf(config))),
      ...door,
      // pgbench and psql go to the database itself, as its owner.
      ...(name === 'reserve-race' ? { TEST_DATABASE_URL: databaseUrl } : {}),
      ...(args.data === undefined ? {} : await writeData(args.data, fixture)),
      ...(args.results === undefined ? {} : { RESULTS_DIR: await makeFolder(args.results) }),
    }
    for (const [key, value] of Object.entries(variables)) console.log(`export ${key}=${quoted(value)}`)
  },
})

/** Not on standard output, where a shell that evaluates it would find names that are no commands. */
function list(): void {
  console.error(
    `Scenarios:\n${Object.keys(FIXTURES)
      .map((name) => `  ${name}\n`)
      .join('')}`,
  )
}

/** What the server of this configuration signs and checks with. */
export interface Secrets {
  readonly jwtSecret: string
  readonly webhookSecret: string
  readonly codes: CodeSigner
}

async function secretsOf(config: Config): Promise<Omit<Secrets, 'codes'>> {
  return { jwtSecret: await jwtSecretOf(config), webhookSecret: await webhookSecretOf(config) }
}

/** Where this machine reaches a server that listens everywhere. */
function urlOf({ host, port }: Config): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** What scripts read, as CONTRACT's list names it. The server is where this configuration would start it. */
export async function variablesOf(
  fixture: Fixture,
  { jwtSecret, webhookSecret, codes }: Secrets,
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
    ...(fixture.duelTierIds.length === 0 ? {} : { TIER_IDS: fixture.duelTierIds.join(',') }),
    ...(fixture.guestIds.length === 0
      ? {}
      : { TEST_USER_TOKENS: await tokensOf(jwtSecret, fixture.guestIds) }),
    ...(fixture.managerIds.length === 0
      ? {}
      : { TEST_MANAGER_TOKENS: await tokensOf(jwtSecret, fixture.managerIds) }),
    ...(fixture.offerId === undefined
      ? {}
      : { DISCOUNT_ID: fixture.offerId, OFFER_PLACES: String(fixture.places) }),
    ...(fixture.slotDate === undefined
      ? {}
      : { TEST_SLOT_DATE: fixture.slotDate, SLOT_COVERS: String(fixture.covers) }),
    ...(fixture.priceCents === 0 ? {} : { STRIPE_WEBHOOK_SECRET: webhookSecret }),
    ...(fixture.raceTicket === undefined
      ? {}
      : {
          // As QR codes show them.
          TEST_TICKET_TOKENS: fixture.tickets
            .slice(0, TICKET_TOKENS_MAX)
            .map((ticket) => qrSpelling(codes.token('ticket', ticket.event_id, ticket.qr_code)))
            .join(','),
          RACE_TEST_TICKET_ID: fixture.raceTicket.id,
        }),
  }
}

/** One JWT a user, comma-separated. */
async function tokensOf(jwtSecret: string, userIds: readonly string[]): Promise<string> {
  return (await Promise.all(userIds.map((sub) => mintToken(jwtSecret, { sub })))).join(',')
}

/** As a POSIX shell reads it back. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`
}

async function makeFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return resolve(path)
}

/** The data files that the scenario's script opens, under the variables that name them, wherever it is started from. */
async function writeData(folder: string, fixture: Fixture): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const files: readonly (readonly [variable: string, file: string, text: string, isNeeded: boolean])[] = [
    ['TEST_TICKETS_FILE', 'test-tickets.json', ticketsFileOf(fixture), fixture.tickets.length > 0],
    ['WEBHOOK_ORDERS_FILE', 'webhook-orders.json', ordersFileOf(fixture), fixture.orders.length > 0],
  ]
  const needed = files.filter(([, , , isNeeded]) => isNeeded)
  for (const [, file, text] of needed) await writeFile(resolve(folder, file), text)
  return Object.fromEntries(needed.map(([variable, file]) => [variable, resolve(folder, file)]))
}

function scenarioOf([name = '', ...others]: readonly string[]): FixtureName {
  if (others.length > 0)
    throw new CommandError('One scenario at a time: each has variables of the same names.')
  if (Object.hasOwn(FIXTURES, name)) return name as FixtureName
  throw new CommandError(`There is no scenario "${name}": ${Object.keys(FIXTURES).join(', ')}.`)
}

interface Options extends SizeTexts {
  readonly 'tier-slug'?: string | undefined
}

type SizeTexts = { readonly [Name in FixtureFlagName]?: string | undefined }

function optionsOf({ 'tier-slug': tierSlug, ...sizes }: Options): FixtureOptions {
  return {
    ...(tierSlug === undefined ? {} : { tierSlug: slugOption('tier-slug', tierSlug) }),
    ...sizesOf(sizes),
  }
}

function sizeArguments() {
  const all = FLAG_NAMES.map((name) => [
    name,
    { type: 'string', description: FIXTURE_FLAGS[name].description },
  ])
  return Object.fromEntries(all) as Record<FixtureFlagName, { type: 'string'; description: string }>
}

function sizesOf(texts: SizeTexts): FixtureSizes {
  return Object.fromEntries(
    FLAG_NAMES.flatMap((name) => {
      const text = texts[name]
      return text === undefined ? [] : [[name, sizeOf(name, text)]]
    }),
  )
}

function sizeOf(name: FixtureFlagName, text: string): number {
  const { max } = FIXTURE_FLAGS[name]
  const size = /^\d+$/.test(text) ? Number(text) : -1
  if (size < 0 || size > max) throw new CommandError(`--${name} must be a whole number from 0 to ${max}.`)
  return size
}

function slugOption(key: string, text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,79}$/.test(text)) return text
  throw new CommandError(`--${key} must have 1 to 80 small letters, digits and dashes.`)
}
