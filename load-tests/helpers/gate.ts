import http from 'k6/http'
import { getBaseUrl, getHeaders, required } from './auth.ts'
import { jsonOf, postRetrying } from './http.ts'

/** What a gate is told about a code: it opens, somebody is inside with it, it is nothing here, or nobody foresaw the answer. */
export type Scan = 'admitted' | 'already scanned' | 'refused' | 'error'

/** Shows a code, or the token of a QR, to a gate of TEST_BUSINESS_ID. */
export async function scanCode(qrData: string, deviceId: string): Promise<Scan> {
  const response = await postRetrying(
    `${getBaseUrl()}/validate-qr`,
    { qrData, businessId: required('TEST_BUSINESS_ID'), language: 'en', deviceId },
    getHeaders(required('TEST_SCANNER_TOKEN')),
  )
  const body = jsonOf(response)
  if (response.status !== 200) return 'error'
  if (body['success'] === true) return 'admitted'
  if (body['alreadyUsed'] !== true) return 'refused'
  return String(body['message']).includes('already') ? 'already scanned' : 'error'
}

/** Whose hands the gate is in. */
export type Bearer = 'door' | 'stranger' | 'nobody'

/** What was judged of a code, by name, or `403 FORBIDDEN` where it was not; the answer's other fields must say the same. */
export async function outcomeOf(qrData: string, deviceId: string, bearer: Bearer = 'door'): Promise<string> {
  const response = await postRetrying(
    `${getBaseUrl()}/validate-qr`,
    { qrData, businessId: required('TEST_BUSINESS_ID'), language: 'en', deviceId },
    getHeaders(TOKENS[bearer] === undefined ? undefined : required(TOKENS[bearer])),
    { responseCallback: http.expectedStatuses(200, 401, 403) },
  )
  const body = jsonOf(response)
  if (response.status !== 200) return `${response.status} ${body['code']}`
  const outcome = String(body['outcome'])
  const told = [body['success'] === true, body['alreadyUsed'] === true]
  const learned = Object.keys((body['details'] ?? {}) as object).length > 0
  const agrees =
    told[0] === (outcome === 'ADMITTED') &&
    told[1] === (outcome === 'ALREADY_USED') &&
    learned === (outcome !== 'UNKNOWN')
  return agrees ? outcome : `not ${outcome}`
}

const TOKENS: Readonly<Record<Bearer, string | undefined>> = {
  door: 'TEST_SCANNER_TOKEN',
  stranger: 'TEST_USER_TOKEN',
  nobody: undefined,
}
