import { sha256 } from 'k6/crypto'
import http from 'k6/http'
import { getBaseUrl, getHeaders, required } from './auth.ts'
import { jsonOf, postRetrying } from './http.ts'

/** What a gate answers about a code: it opens, somebody is inside with it, it is nothing here, or nobody foresaw the answer. */
export type Scan = 'admitted' | 'already scanned' | 'refused' | 'error'

/** Shows a code, or the token of a QR, to a gate of TEST_BUSINESS_ID. */
export async function scanCode(qrData: string, deviceId: string, intended?: number): Promise<Scan> {
  const { status, body } = await showCode(qrData, deviceId, 'door', undefined, intended)
  if (status !== 200) return 'error'
  if (body['success'] === true) return 'admitted'
  if (body['alreadyUsed'] !== true) return 'refused'
  return String(body['message']).includes('already') ? 'already scanned' : 'error'
}

/** Whose hands the gate is in. */
export type Bearer = 'door' | 'stranger' | 'nobody'

export interface Judgement {
  /** By name, or `403 FORBIDDEN` where nothing was judged; the answer's other fields must say the same. */
  readonly outcome: string
  /** When somebody came in with it. */
  readonly checkedInAt: string
}

export async function judgeCode(
  qrData: string,
  deviceId: string,
  bearer: Bearer = 'door',
  eventId?: string,
): Promise<Judgement> {
  const { status, body } = await showCode(qrData, deviceId, bearer, eventId)
  if (status !== 200) return { outcome: `${status} ${body['code']}`, checkedInAt: '' }
  const outcome = String(body['outcome'])
  const details = (body['details'] ?? {}) as Record<string, unknown>
  const agrees =
    (body['success'] === true) === (outcome === 'ADMITTED') &&
    (body['alreadyUsed'] === true) === (outcome === 'ALREADY_USED') &&
    Object.keys(details).length > 0 === (outcome !== 'UNKNOWN' && outcome !== 'UNREADABLE')
  return { outcome: agrees ? outcome : `not ${outcome}`, checkedInAt: String(details['checkedInAt']) }
}

async function showCode(
  qrData: string,
  deviceId: string,
  bearer: Bearer,
  eventId?: string,
  intended?: number,
) {
  const token = TOKENS[bearer]
  const response = await postRetrying(
    `${getBaseUrl()}/validate-qr`,
    { qrData, businessId: required('TEST_BUSINESS_ID'), language: 'en', deviceId, eventId },
    getHeaders(token === undefined ? undefined : required(token)),
    { responseCallback: http.expectedStatuses(200, ...(bearer === 'door' ? [] : [401, 403])) },
    { operation: 'scan', asked: { device: deviceId }, intended },
  )
  return { status: response.status, body: jsonOf(response) }
}

const TOKENS: Readonly<Record<Bearer, string | undefined>> = {
  door: 'TEST_SCANNER_TOKEN',
  stranger: 'TEST_USER_TOKEN',
  nobody: undefined,
}

/** What `gate-list` answers: tickets are codes of {@link gateCode}, one after the other. */
export interface GateList {
  readonly cursor: string
  readonly full: boolean
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  /** By the server's clock, by which a gate sets its own. */
  readonly signedAt: string
}

/** Everything that a gate of EVENT_ID may know, or what changed since a cursor. */
export async function fetchGateList(since?: string): Promise<GateList> {
  const url = `${getBaseUrl()}/gate-list?event=${required('EVENT_ID')}${since === undefined ? '' : `&since=${since}`}`
  const headers = getHeaders(required('TEST_SCANNER_TOKEN'))
  const response = await http.asyncRequest('GET', url, null, { headers, responseType: 'text' })
  if (response.status !== 200) throw new Error(`no gate list: ${response.status} ${response.body}`)
  return response.json() as unknown as GateList
}

/** A scan that a gate made without network. */
export interface OfflineScan {
  readonly code: string
  readonly scannedAt: string
  readonly deviceId: string
  readonly scannedBy?: string
  readonly eventId?: string
}

export interface SyncResult {
  readonly ticketId: string | null
  readonly success: boolean
  readonly conflictResolved: boolean
  readonly alreadyScanned: boolean
  readonly scannedAt: string | null
  readonly scannedBy: string | null
  readonly clockSuspect: boolean
  readonly disbelieved: readonly string[]
  readonly error: string | null
}

/** Sends what a gate scanned without network; one result a scan, in their order. */
export async function syncScans(scans: readonly OfflineScan[]): Promise<readonly SyncResult[]> {
  const sent = scans.map(({ code, scannedAt, deviceId, scannedBy, eventId }) => {
    return { code, scannedAt, deviceId, scannedBy, eventId }
  })
  const response = await postRetrying(
    `${getBaseUrl()}/sync-offline-scans`,
    { scans: sent, businessId: required('TEST_BUSINESS_ID') },
    getHeaders(required('TEST_SCANNER_TOKEN')),
  )
  return response.status === 200 ? (jsonOf(response)['results'] as SyncResult[]) : []
}

/** The codes of a list's `valid`, `used` or `gone`. */
export function codesIn(list: string): ReadonlySet<string> {
  return new Set(list.match(/.{11}/g) ?? [])
}

/** How a list names a ticket's code: the first 8 bytes of its SHA-256 as 11 characters of base64url. */
export function gateCode(code: string): string {
  const bits = [...new Uint8Array(sha256(code, 'binary')).subarray(0, 8)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
  return (bits.padEnd(66, '0').match(/.{6}/g) ?? []).map((six) => BASE64URL[Number.parseInt(six, 2)]).join('')
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
