/**
 * A gate in a terminal: it reads codes as a USB scanner types them, a line each, and says who comes in. With network it asks the
 * server; without, it judges by the keys and the list that it keeps, and tells the server later. docs/scanner.md explains each
 * step. Nothing but Node is needed, and the product's own reading of codes, three files of src/core that import nothing:
 *
 *     export SUPABASE_URL=… GATE_TOKEN=… GATE_BUSINESS=… GATE_EVENT=… GATE_DEVICE=gate-1
 *     node examples/gate.ts
 */
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { DecodedToken } from '../src/core/code-token.ts'
import { readShown, type ShownCode } from '../src/core/shown-code.ts'

const { SUPABASE_URL, GATE_TOKEN, GATE_BUSINESS, GATE_EVENT = '', GATE_DEVICE = 'gate' } = process.env
/** An answer that takes longer is none: a queue does not wait. */
const ANSWER_MS_MAX = 2_000
const SYNC_EVERY_MS = 15_000
const SCANS_MAX = 500
const FILE = `${GATE_DEVICE} ${GATE_EVENT}.json`
/** What a ticket is after the server said so. */
const STATES: Readonly<Record<string, 'used' | 'gone'>> = {
  ADMITTED: 'used',
  ALREADY_USED: 'used',
  REFUNDED: 'gone',
  REFUNDING: 'gone',
  CANCELLED: 'gone',
}
const OUTCOMES = { valid: 'ADMITTED', used: 'ALREADY_USED', gone: 'CANCELLED', unknown: 'UNKNOWN' } as const

/** What the gate keeps, also over a restart: whom it let in must reach the server. */
interface Kept {
  keys: Readonly<Record<string, string>>
  event: { id: string; status: string; entryFrom: string; entryUntil: string } | undefined
  cursor: string | undefined
  /** By the ticket's entry in the list. */
  tickets: Record<string, 'valid' | 'used' | 'gone'>
  pending: { entry: string; scan: { code: string; scannedAt: string; scanId: string; deviceId: string } }[]
}

const kept: Kept = await readFile(FILE, 'utf8').then(
  (text) => JSON.parse(text),
  () => ({ keys: {}, event: undefined, cursor: undefined, tickets: {}, pending: [] }),
)

let keeping = Promise.resolve()
let refreshing = Promise.resolve()
await refresh()
setInterval(refresh, SYNC_EVERY_MS).unref()
console.log(`${GATE_DEVICE} is open.`)
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== '') console.log(await admit(line.trim()))
}
await refresh()
console.log(`${GATE_DEVICE} is closed: ${kept.pending.length} scans wait for the network.`)

/** The server's word where it can be had in time, else the list's. One opening has one scan id, however often it is told. */
async function admit(code: string): Promise<string> {
  const scanId = randomUUID()
  const scan = { qrData: code, businessId: GATE_BUSINESS, deviceId: GATE_DEVICE, scanId }
  const answer = await ask<Judged>('validate-qr', { method: 'POST', body: JSON.stringify(scan) })
  const { outcome, entry } = judge(code)
  if (answer !== undefined) {
    // The list that says so comes later, and the network may go before it does.
    const state = STATES[answer.outcome]
    if (state !== undefined && answer.qrType === 'ticket') kept.tickets[entry] = state
    return `${answer.outcome}: ${answer.message}`
  }
  if (outcome === 'ADMITTED') {
    kept.tickets[entry] = 'used'
    const scannedAt = new Date().toISOString()
    kept.pending.push({ entry, scan: { code, scannedAt, scanId, deviceId: GATE_DEVICE } })
    await keep()
  }
  return `${outcome}, without network`
}

/** By the signature whether it is ours, by the list whether it is used or gone. */
function judge(text: string): { outcome: string; entry: string } {
  const { event } = kept
  const shown = readShown(text)
  const typed = shown.kind === 'plain' ? shown.code : undefined
  const token = signedToken(shown)
  const code = typed ?? (event && codeFor(token, event.id)) ?? ''
  const entry = createHash('sha256').update(code).digest().subarray(0, 8).toString('base64url')
  // Signed and not listed: sold after the list was made. A code without a signature must be listed.
  const state = kept.tickets[entry] ?? (typed === undefined && code !== '' ? 'valid' : 'unknown')
  const now = new Date()
  if (event === undefined) return { outcome: 'NO_LIST', entry }
  if (shown.kind === 'unreadable' && token === undefined) return { outcome: 'UNREADABLE', entry }
  if (event.status === 'cancelled') return { outcome: 'EVENT_CANCELLED', entry }
  if (now < new Date(event.entryFrom)) return { outcome: 'TOO_EARLY', entry }
  if (now >= new Date(event.entryUntil)) return { outcome: 'TOO_LATE', entry }
  return { outcome: OUTCOMES[state], entry }
}

/** What a key that is known and was not revoked has signed: as it stands, or before a keyboard made this of it. */
function signedToken(shown: ShownCode): DecodedToken | undefined {
  if (shown.kind === 'plain') return undefined
  const tokens = [...(shown.token === undefined ? [] : [shown.token]), ...shown.mistyped()]
  return tokens.find(({ kid, signed, signature }) => {
    const key = kept.keys[String(kid)]
    return key !== undefined && isSigned(Buffer.from(signed), Buffer.from(signature), key)
  })
}

/** The code of a ticket of this event. */
function codeFor(token: DecodedToken | undefined, eventId: string): string | undefined {
  const scope = createHash('sha256').update(eventId).digest('hex').slice(0, 8)
  return token?.kind === 'ticket' && token.scope === scope ? token.code : undefined
}

function isSigned(data: Buffer, signature: Buffer, x: string): boolean {
  return verify(
    null,
    data,
    createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }),
    signature,
  )
}

/** Tells what the gate did, then learns what others did: the list after that has both. One at a time. */
function refresh(): Promise<void> {
  refreshing = refreshing.then(tellAndLearn)
  return refreshing
}

async function tellAndLearn(): Promise<void> {
  await sync()
  const answered = await ask<{ readonly keys: readonly Key[] }>('ticket-keys')
  // Over TLS, from the server itself: the list is believed by these keys, whoever hands it on.
  if (answered !== undefined) {
    const living = answered.keys.filter(({ revoked }) => !revoked)
    kept.keys = Object.fromEntries(living.map(({ kid, x }) => [kid, x]))
  }
  const query = new URLSearchParams({ event: GATE_EVENT, ...(kept.cursor && { since: kept.cursor }) })
  const answer = await ask<Signed<List>>(`gate-list?${query}`)
  if (answer === undefined) return
  const { signature, ...list } = answer
  const key = kept.keys[list.kid]
  if (
    key === undefined ||
    !isSigned(Buffer.from(JSON.stringify(list)), Buffer.from(signature, 'base64url'), key)
  ) {
    return console.error('The list is not signed by a key of the server: it was not taken.')
  }
  if (list.full || list.event.id !== kept.event?.id) kept.tickets = {}
  for (const state of ['valid', 'used', 'gone'] as const) {
    for (const entry of list.tickets[state].match(/.{11}/g) ?? []) kept.tickets[entry] = state
  }
  // Who came in meanwhile is not in it yet.
  for (const { entry } of kept.pending) kept.tickets[entry] = 'used'
  Object.assign(kept, { event: list.event, cursor: list.cursor })
  await keep()
}

/** What the server answers, as far as a gate reads it. */
interface Judged {
  readonly outcome: string
  readonly message: string
  readonly qrType: string
}

interface Synced {
  readonly results: readonly {
    readonly error: string | null
    readonly message: string | null
    readonly scannedAt: string | null
  }[]
}

type Signed<Body> = Body & { readonly signature: string }

interface List {
  readonly event: NonNullable<Kept['event']>
  readonly cursor: string
  readonly full: boolean
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  readonly kid: number
}

interface Key {
  readonly kid: number
  readonly x: string
  readonly revoked: boolean
}

async function sync(): Promise<void> {
  while (kept.pending.length > 0) {
    const scans = kept.pending.slice(0, SCANS_MAX).map(({ scan }) => scan)
    const body = JSON.stringify({ businessId: GATE_BUSINESS, scans })
    const answer = await ask<Synced>('sync-offline-scans', { method: 'POST', body })
    if (answer === undefined) return
    // Every scan was judged: what was not taken is the server's to show, and sending it again would change nothing.
    for (const { error, message, scannedAt } of answer.results) {
      if (error !== null)
        console.error(`Let in, and it should not have been: ${error}. ${message} ${scannedAt ?? ''}`)
    }
    kept.pending.splice(0, scans.length)
    await keep()
  }
}

/** The parsed answer; undefined where there is none in time, or none that judges. What is refused for good ends the gate. */
async function ask<Answer>(path: string, request: RequestInit = {}): Promise<Answer | undefined> {
  const headers = { authorization: `Bearer ${GATE_TOKEN}`, 'content-type': 'application/json' }
  const url = `${SUPABASE_URL}/functions/v1/${path}`
  try {
    const response = await fetch(url, { ...request, headers, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const answer = (await response.json()) as Answer & { readonly error: string }
    if (response.ok) return answer
    if (response.status === 429 || response.status >= 500) return undefined
    console.error(`${path.split('?')[0]}: ${answer.error}`)
    process.exit(1)
  } catch {
    return undefined
  }
}

/** Whole or not at all, one after the other: a gate that loses power finds what it had. */
function keep(): Promise<void> {
  keeping = keeping.then(async () => {
    await writeFile(`${FILE}.new`, JSON.stringify(kept), { flush: true })
    await rename(`${FILE}.new`, FILE)
  })
  return keeping
}
