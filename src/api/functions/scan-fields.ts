import { DEVICE_ID_LENGTH_MAX, SCAN_ID_LENGTH_MAX } from '../../core/limits.ts'
import { readable } from '../../core/readable.ts'

/** A field beside a code, as JSON Schema says what a gate should send; what it does send is never refused. */
export const TOLD = { type: ['string', 'null'] as ('string' | 'null')[] }

/** Whatever was sent, as text that PostgreSQL can store: a field beside a code keeps no scan from being judged. */
export function storableText(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  const written = typeof value === 'string' ? value : JSON.stringify(value)
  return String(readable(written)).trim()
}

interface Gate {
  readonly deviceId?: unknown
  readonly scanId?: unknown
}

/** Which names of a gate and its scan are not kept as they were sent: the database cuts the one, and keeps the other's digest. */
export function oddNames({ deviceId, scanId }: Gate): string[] {
  return [
    ...(isKept(deviceId, DEVICE_ID_LENGTH_MAX) ? [] : ['deviceId']),
    ...(isKept(scanId, SCAN_ID_LENGTH_MAX) ? [] : ['scanId']),
  ]
}

function isKept(sent: unknown, lengthMax: number): boolean {
  if (typeof sent !== 'string') return sent === undefined || sent === null
  return sent.length <= lengthMax && storableText(sent) === (sent.trim() || null)
}
