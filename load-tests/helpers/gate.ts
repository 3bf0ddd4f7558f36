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
