import { createHmac, randomUUID } from 'node:crypto'
import { after } from 'node:test'
import type { AppOptions } from '../../src/api/app.ts'
import type { CodeSigner } from '../../src/api/code-signer.ts'
import { mintToken } from '../../src/api/keys.ts'
import { openStripe, type PaymentProvider } from '../../src/payments/provider.ts'
import { openStandIn, type StandInOptions } from '../../src/payments/stand-in.ts'
import { addStaff, type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import type { Shown } from '../support/door.ts'
import {
  type Answer,
  type Ask,
  ask,
  JWT_SECRET,
  type ServeOptions,
  serve,
  type TestServer,
} from './scratch.ts'
import { SECRET_KEY, WEBHOOK_SECRET } from './secrets.ts'

export { SECRET_KEY, WEBHOOK_SECRET }

/** Where the SDK is sent until the server has its address. */
const NOWHERE = 'http://shop.invalid'

export interface Shop {
  readonly db: TestDatabase
  readonly house: BoxOffice
  readonly server: TestServer
  /** Those that the server signs with. */
  readonly codes: CodeSigner
  readonly payments: PaymentProvider
  /** Calls a function. */
  call(name: string, body: unknown, headers?: Ask['headers']): Promise<ShopAnswer>
  /** The stand-in's own control. */
  control(path: string, body?: unknown): Promise<Response>
  /** Pays an open session as a buyer would. */
  pay(url: string, payment?: object): Promise<{ readonly status: string; readonly redirect?: string }>
  /** Waits until the stand-in has delivered everything that is due. */
  delivered(): Promise<void>
  tokenOf(userId: string): Promise<Record<'authorization', string>>
  /** The token of somebody more who works for the house. */
  member(role: string): Promise<Record<'authorization', string>>
}

export interface ShopAnswer extends Omit<Answer, 'json'> {
  readonly body: ShopBody
}

/** The fields that tests look at, of all functions. */
type ShopBody = Readonly<Record<string, unknown>>

/** A started server with an event of its own, the real SDK, and the stand-in mounted on the same port; gone with the file. */
export async function openShop(
  options: Partial<StandInOptions> = {},
  app: Partial<AppOptions> = {},
  more: Pick<ServeOptions, 'reading' | 'realtime'> = {},
): Promise<Shop> {
  const open: AsyncDisposable[] = []
  closeAfterwards(open)
  const db = await testDatabase()
  const house = await openBoxOffice(db)
  let url = ''
  const standIn = await openStandIn({
    secretKey: SECRET_KEY,
    webhookSecret: WEBHOOK_SECRET,
    publicUrl: () => url,
    webhookUrl: () => `${url}/functions/v1/stripe-webhook`,
    ...options,
  })
  const payments = openStripe({
    secretKey: SECRET_KEY,
    webhookSecret: WEBHOOK_SECRET,
    apiUrl: `${NOWHERE}/api.stripe.com`,
    fetch: (request) => fetch(new Request(request.url.replace(NOWHERE, url), request)),
  })
  const mounts = new Map(
    ['api.stripe.com', 'checkout.stripe.com', 'stand-in'].map((name) => [name, standIn.fetch]),
  )
  const codes = await codesOf(db)
  const server = await serve(db.url, { app: { codes, payments, mounts, ...app }, ...more })
  url = server.url
  open.push({ [Symbol.asyncDispose]: () => standIn.close() }, server)
  const control = async (path: string, body?: unknown) =>
    fetch(`${url}/stand-in${path}`, {
      headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
  const tokenOf = async (userId: string) => ({
    authorization: `Bearer ${await mintToken(JWT_SECRET, { sub: userId })}`,
  })
  return {
    db,
    house,
    server,
    codes,
    payments,
    control,
    call: async (name, body, headers = {}) => {
      const got = await ask(server, `/functions/v1/${name}`, { body, headers })
      return { ...got, body: JSON.parse(got.text) as ShopBody }
    },
    pay,
    delivered: async () => {
      const response = await control('/deliveries?wait=idle&seconds=20')
      if (!response.ok) throw new Error(`deliveries: ${response.status} ${await response.text()}`)
    },
    tokenOf,
    member: async (role) => tokenOf(await addStaff(db, house.businessId, role)),
  }
}

/** Said before there is a database: it goes after them, when nobody follows its changes any more. */
function closeAfterwards(open: readonly AsyncDisposable[]): void {
  after(async () => {
    for (const it of open) await it[Symbol.asyncDispose]()
  })
}

/** Pays on the stand-in's page, by a card that works where none is named. */
async function pay(payUrl: string, payment: object = { card: '4242424242424242' }) {
  const response = await fetch(payUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(payment),
  })
  return (await response.json()) as { status: string; redirect?: string }
}

const PERSON = { name: 'Ada Buyer', email: 'ada@example.org' }

/** The four spellings of one cart. */
export const SPELLINGS: Readonly<Record<string, (event: string, tier: string, quantity: number) => object>> =
  {
    'create-ticket-checkout': (eventId, tierId, quantity) => ({
      eventId,
      items: [{ tierId, quantity }],
      customerName: PERSON.name,
      customerEmail: PERSON.email,
    }),
    'enhanced-checkout': (eventId, tierId, quantity) => ({
      eventId,
      ticketSelections: [{ tierId, quantity, faceValue: 1 }],
      contact: { email: PERSON.email },
    }),
    'create-checkout-session': (eventId, ticketTypeId, quantity) => ({
      eventId,
      tickets: [{ ticketTypeId, quantity, unitPrice: 1, unitFee: 1, displayName: 'x' }],
      customerEmail: PERSON.email,
      customerName: PERSON.name,
      totalAmount: 2,
      successUrl: 'https://shop.example/done?session={CHECKOUT_SESSION_ID}',
      cancelUrl: 'https://shop.example/back',
    }),
    'guest-checkout': (event_id, tier_id, quantity) => ({
      event_id,
      contact_email: PERSON.email,
      items: [{ tier_id, quantity, unit_price_cents: 1 }],
    }),
  }

/** A key that nobody used. */
export function freshKey(): Record<'idempotency-key', string> {
  return { 'idempotency-key': randomUUID() }
}

interface Signing {
  readonly secret?: string
  readonly ageSeconds?: number
}

/** The header that Stripe would send with a body. */
export function signed(
  body: string | Uint8Array,
  { secret = WEBHOOK_SECRET, ageSeconds = 0 }: Signing = {},
): string {
  const t = Math.floor(Date.now() / 1000) - ageSeconds
  const v1 = createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')
  return `t=${t},v1=${v1}`
}

/** A gate of the shop's house: how its tickets' codes are spelled in full, and what is answered to what is shown there. */
export async function openGate({ codes, house, call, tokenOf }: Shop) {
  const staff: Record<string, string> = await tokenOf(house.staffId)
  return {
    staff,
    ticketToken: ({ scopeId, code }: Shown) => codes.token('ticket', scopeId, code),
    scan: (qrData: unknown, more: object = {}, headers = staff) =>
      call('validate-qr', { qrData, businessId: house.businessId, language: 'en', ...more }, headers),
  }
}
