import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openapiTask } from '../../src/api/openapi.ts'
import { openShop, type Shop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'

/** Random cases of all callers together; by hand `ADMIT_ONCE_CASES=1000000`, and `ADMIT_ONCE_SEED` for others. */
const CASES = Number(process.env['ADMIT_ONCE_CASES'] ?? 14_000)
/** Beside them, those that follow from the schemas: each field missing, null, too long, … */
const LISTED_MIN = 8_000
/** What takes no body has few cases to draw. */
const DRAWN_MIN = CASES * 0.85
const SEED = process.env['ADMIT_ONCE_SEED'] ?? '1'

/** Of one caller; a machine that does nothing else takes a tenth of it. */
const RUN_MS_MAX = 600_000 + CASES * 100

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]

const version = spawnSync('schemathesis', ['--version'], { encoding: 'utf8' })
const skip = version.status === 0 ? false : 'no schemathesis: pip install schemathesis==4.32.5'

describe('schemathesis against the OpenAPI document', { skip }, () => {
  it(`finds no 500 and no answer outside it in ${LISTED_MIN + DRAWN_MIN} cases or more`, async () => {
    const shop = await openShop({}, { openapi: openapiTask() })
    const { keys } = shop.server.authenticator
    const callers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      house: { apikey: keys.anon, ...(await shop.member('owner')) },
      buyer: { apikey: keys.anon, ...(await shop.tokenOf(randomUUID())) },
      service: { apikey: keys.serviceRole, authorization: `Bearer ${keys.serviceRole}` },
      stranger: { apikey: keys.anon },
    }
    const known = await openNight(shop)
    const operations = operationsOf(await (await fetch(`${shop.server.url}/openapi.json`)).json())
    const each = Math.ceil(CASES / operations / Object.keys(callers).length)
    let cases = 0
    for (const [caller, headers] of Object.entries(callers)) {
      const { status, output, sent } = await fuzz(shop.server.url, headers, each, known)
      assert.equal(status, 0, `as ${caller}: ${output}`)
      cases += sent
    }
    assert.ok(cases >= LISTED_MIN + DRAWN_MIN, `only ${cases} cases were sent`)
    console.log(`schemathesis: ${cases} cases of ${operations} operations, seed ${SEED}`)
  })
})

/** What there is to be found: ids by what fields call them. */
async function openNight({ db, house, call }: Shop): Promise<Readonly<Record<string, readonly string[]>>> {
  const { businessId: business, eventId: event, eventSlug: slug } = house
  const free = await addTier(db, event, { total: 100_000 })
  const paid = await addTier(db, event, { total: 100_000, priceCents: 2500 })
  const gone = await addTier(db, event, { total: 1 })
  const buy = async (tierId: string, quantity = 1) => {
    const cart = {
      eventId: event,
      items: [{ tierId, quantity }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    }
    const { body } = await call('create-ticket-checkout', cart)
    return body as { orderId: string; tickets?: readonly { id: string; code: string }[] }
  }
  const orders = [await buy(free, 10), await buy(paid), await buy(gone)]
  const tickets = orders.flatMap((order) => order.tickets ?? [])
  const offer = await db.value<string>(
    `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 1000000) returning id`,
    [business],
  )
  return {
    event: [event, slug],
    tier: [free, paid, gone],
    business: [business],
    order: orders.map(({ orderId }) => orderId),
    ticket: tickets.map(({ id }) => id),
    discount: [offer],
    qrdata: tickets.map(({ code }) => code),
    code: tickets.map(({ code }) => code),
  }
}

function operationsOf({ paths }: { readonly paths: Readonly<Record<string, object>> }): number {
  return Object.values(paths).reduce((sum, item) => sum + Object.keys(item).length, 0)
}

/** So many random cases an operation. */
async function fuzz(
  url: string,
  headers: Readonly<Record<string, string>>,
  each: number,
  known: Readonly<Record<string, readonly string[]>>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-schemathesis-'))
  const child = spawn(
    'schemathesis',
    [
      ...['run', `${url}/openapi.json`, '--checks', CHECKS.join(','), '--max-examples', String(each)],
      ...['--seed', SEED, '--workers', '2', '--request-timeout', '20', '--continue-on-failure', '--no-color'],
      ...['--suppress-health-check', 'all', '--warnings', 'off'],
      ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        PYTHONPATH: import.meta.dirname,
        SCHEMATHESIS_HOOKS: 'hooks',
        ADMIT_ONCE_KNOWN: JSON.stringify(known),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
    },
  )
  const closed = Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, 'close')])
  const [output] = await closed.finally(() => rm(folder, { recursive: true }))
  const text = output.join('')
  const sent = Number(/(\d+) generated/.exec(text)?.[1] ?? 0)
  return { status: child.exitCode, output: text, sent }
}
