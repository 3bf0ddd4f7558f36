/**
 * A gate in a terminal: it reads codes as a USB scanner types them, a line each, and says who comes in. With network it asks the
 * server; without, it judges by the keys and the list that it keeps, and tells the server later. It goes on until its input ends: the
 * line `token eyJ…`, which staff types, takes the place of one that has ended. docs/scanner.md explains each step. Nothing but Node is needed, and the
 * product's own reading of codes, three files of src/core that import nothing:
 *
 *     export SUPABASE_URL=… GATE_TOKEN=… GATE_BUSINESS=… GATE_EVENT=… GATE_DEVICE=gate-1
 *     node examples/gate.ts
 */
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { DecodedToken } from '../src/core/code-token.ts'
import { readShown, type ShownCode } from '../src/core/shown-code.ts'

const { SUPABASE_URL, GATE_BUSINESS, GATE_EVENT = '', GATE_DEVICE = 'gate' } = process.env
let token = process.env['GATE_TOKEN'] ?? ''
/** An answer about a scan that takes longer is none: a queue does not wait. */
const ANSWER_MS_MAX = 2_000
/** Lists and what was kept may take as long as they move: so much for a server to think, and a line of at least so many bytes a second. */
const STALL_MS_MAX = 10_000
const LINE_BYTES_PER_SECOND_MIN = 4_000
const SYNC_EVERY_MS = 15_000
/** The server takes so many scans at once; a slow line takes fewer: half of them after each time that none got through. */
const SCANS_MAX = 500
const SCANS_FIRST = 100
const FILE = `${GATE_DEVICE} ${GATE_EVENT}.json`
/** What a ticket is after the server said so. */
const STATES: Readonly<Record<string, 'used' | 'gone'>> = {
  ADMITTED: 'used',
  ALREADY_USED: 'used',
  REFUNDED: 'gone',
  REFUNDING: 'gone',
  CANCELLED: 'gone',
}
/** Typed by staff: what a guest shows is never one by itself. A JWT is three parts of base64url, the first one a JSON object. */
const TOKEN = /^token\s+(eyJ[\w-]+\.[\w-]+\.[\w-]+)$/
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

/** What the server said of tickets since the list that is on its way was asked for: the list may be older. */
let saidSince: Record<string, 'used' | 'gone'> = {}
let keeping = Promise.resolve()
let refreshing: Promise<void> | undefined
let batch = SCANS_FIRST
/** It said so, and says when it comes. */
let lacksList = false
/** What the server said when it would not hear this gate; said to the door once. */
let complaint: string | undefined
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
// Nobody waits before a gate for a list, or for what it tells about yesterday.
await Promise.race([runAlone(learn), delay(ANSWER_MS_MAX, undefined, { ref: false })])
lacksList = kept.event === undefined
console.log(
  lacksList
    ? `${GATE_DEVICE} has no list of ${GATE_EVENT}: without network it lets nobody in.`
    : `${GATE_DEVICE} is open.`,
)
void Promise.resolve(refreshing).then(refresh)
setInterval(refresh, SYNC_EVERY_MS).unref()
for await (const line of lines) {
  const read = line.trim()
  const typed = TOKEN.exec(read)?.[1]
  if (typed !== undefined) void takeToken(typed)
  else if (read !== '') console.log(await admit(read))
}
// One that is under way began before the last entry.
await refreshing
await runAlone(sync)
console.log(`${GATE_DEVICE} is closed: ${kept.pending.length} scans wait for the network.`)

/** It takes the place of the other only once the server has taken it: a guest may show `token eyJ…` as well. */
async function takeToken(typed: string): Promise<void> {
  const headers = { authorization: `Bearer ${typed}` }
  const url = `${SUPABASE_URL}/functions/v1/gate-list?${listQuery()}`
  const signal = AbortSignal.timeout(STALL_MS_MAX)
  const response = await fetch(url, { headers, signal }).catch(() => undefined)
  void response?.body?.cancel().catch(() => undefined)
  if (!response?.ok) {
    return console.log(
      `No new token: ${response === undefined ? 'no network' : 'the server does not take it'}.`,
    )
  }
  token = typed
  complaint = undefined
  console.log('A new token.')
  void refresh()
}

function listQuery(): URLSearchParams {
  return new URLSearchParams({ event: GATE_EVENT, ...(kept.cursor && { since: kept.cursor }) })
}

/** The server's word where it can be had in time, else the list's. One opening has one scan id, however often it is told. */
async function admit(code: string): Promise<string> {
  const scanId = randomUUID()
  const scan = { qrData: code, businessId: GATE_BUSINESS, eventId: GATE_EVENT, deviceId: GATE_DEVICE, scanId }
  const answer = await ask<Judged>('validate-qr', { body: JSON.stringify(scan), totalMs: ANSWER_MS_MAX })
  const { outcome, entry } = judge(code)
  if (answer !== undefined) {
    // The list that says so comes later, and the network may go before it does.
    const state = STATES[answer.outcome]
    if (state !== undefined && entry !== undefined && answer.qrType === 'ticket')
      kept.tickets[entry] = saidSince[entry] = state
    return `${answer.outcome}: ${answer.message}`
  }
  if (outcome === 'ADMITTED' && entry !== undefined) {
    kept.tickets[entry] = 'used'
    const scannedAt = new Date().toISOString()
    kept.pending.push({ entry, scan: { code, scannedAt, scanId, deviceId: GATE_DEVICE } })
    await keep()
  }
  return `${outcome}, without ${complaint === undefined ? 'network' : 'the server'}`
}

/** By the signature whether it is ours and of this event, by the list whether it is used or gone. What is neither has no entry. */
function judge(text: string): { outcome: string; entry: string | undefined } {
  const { event } = kept
  const shown = readShown(text)
  const typed = shown.kind === 'plain' ? shown.code : undefined
  const signed = signedToken(shown)
  if (typed === undefined && signed?.kind !== 'ticket') {
    if (event === undefined) return { outcome: 'NO_LIST', entry: undefined }
    return {
      outcome: shown.kind === 'unreadable' && signed === undefined ? 'UNREADABLE' : 'UNKNOWN',
      entry: undefined,
    }
  }
  const code = typed ?? signed?.code ?? ''
  const entry = createHash('sha256').update(code).digest().subarray(0, 8).toString('base64url')
  // What the server says of it meanwhile stands in the list when it comes.
  if (event === undefined) return { outcome: 'NO_LIST', entry }
  const scope = createHash('sha256').update(event.id).digest('hex').slice(0, 8)
  if (signed !== undefined && signed.scope !== scope) return { outcome: 'WRONG_EVENT', entry: undefined }
  // Signed and not listed: sold after the list was made. A code without a signature must be listed.
  const state = kept.tickets[entry] ?? (signed === undefined ? 'unknown' : 'valid')
  const now = new Date()
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

function isSigned(data: Buffer, signature: Buffer, x: string): boolean {
  return verify(
    null,
    data,
    createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }),
    signature,
  )
}

/** Tells what the gate did, then learns what others did: the list after that has both. One at a time: on a slow line it takes long. */
function refresh(): Promise<void> {
  return runAlone(async () => {
    await sync()
    await learn()
  })
}

function runAlone(work: () => Promise<void>): Promise<void> {
  refreshing ??= work().finally(() => {
    refreshing = undefined
  })
  return refreshing
}

async function learn(): Promise<void> {
  const answered = await ask<{ readonly keys: readonly Key[] }>('ticket-keys')
  // Over TLS, from the server itself: the list is believed by these keys, whoever hands it on.
  if (answered !== undefined) {
    const living = answered.keys.filter(({ revoked }) => !revoked)
    kept.keys = Object.fromEntries(living.map(({ kid, x }) => [kid, x]))
  }
  saidSince = {}
  const answer = await ask<Signed<List>>(`gate-list?${listQuery()}`)
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
  Object.assign(kept.tickets, saidSince)
  for (const { entry } of kept.pending) kept.tickets[entry] = 'used'
  Object.assign(kept, { event: list.event, cursor: list.cursor })
  await keep()
  if (lacksList) console.log(`${GATE_DEVICE} has its list now: it is open.`)
  lacksList = false
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

/** In batches as large as the line takes: twice as many after each that got through. What was told twice is one scan to the server. */
async function sync(): Promise<void> {
  while (kept.pending.length > 0) {
    const scans = kept.pending.slice(0, batch).map(({ scan }) => scan)
    const body = JSON.stringify({ businessId: GATE_BUSINESS, eventId: kept.event?.id, scans })
    const answer = await ask<Synced>('sync-offline-scans', { body })
    batch = answer === undefined ? Math.ceil(batch / 2) : Math.min(batch * 2, SCANS_MAX)
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

/**
 * The parsed answer; undefined where there is none in time, or none that judges. A whole answer may take as long as its bytes go on
 * coming, unless `totalMs` bounds it.
 */
async function ask<Answer>(
  path: string,
  { body, totalMs }: { readonly body?: string; readonly totalMs?: number } = {},
): Promise<Answer | undefined> {
  const gone = new AbortController()
  const sendMs = STALL_MS_MAX + ((body?.length ?? 0) / LINE_BYTES_PER_SECOND_MIN) * 1_000
  let timer = setTimeout(() => gone.abort(), totalMs ?? sendMs)
  const url = `${SUPABASE_URL}/functions/v1/${path}`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { method: 'POST', body }
  try {
    const response = await fetch(url, { ...sent, headers, signal: gone.signal })
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      if (totalMs !== undefined) continue
      clearTimeout(timer)
      timer = setTimeout(() => gone.abort(), STALL_MS_MAX)
    }
    const answer = JSON.parse(Buffer.concat(chunks).toString()) as Answer & { readonly error?: string }
    if (response.ok) {
      // The keys are everybody's.
      if (path !== 'ticket-keys') complaint = undefined
      return answer
    }
    if (response.status !== 429 && response.status < 500) complain(response.status, answer.error)
  } catch {
    // No network, or too little of it.
  } finally {
    clearTimeout(timer)
  }
  return undefined
}

/** What is refused for good ends no gate: guests stand before it, and what it keeps must reach the server. */
function complain(status: number, error: string | undefined): void {
  const said = `${status} ${error ?? ''}`
  if (said !== complaint) {
    console.error(`The server does not hear this gate: ${said}`)
    if (status === 401 || status === 403)
      console.error('Type `token` and a new one. It judges by its list until then.')
  }
  complaint = said
}

/** Whole or not at all, one after the other: a gate that loses power finds what it had. One whose disk is full goes on. */
function keep(): Promise<void> {
  keeping = keeping.then(async () => {
    try {
      await writeFile(`${FILE}.new`, JSON.stringify(kept), { flush: true })
      await rename(`${FILE}.new`, FILE)
    } catch (error) {
      console.error(`What this gate knows could not be written: ${error}`)
    }
  })
  return keeping
}
