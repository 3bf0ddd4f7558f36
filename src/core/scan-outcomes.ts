/**
 * Registry of the outcomes of a scan that was judged. `ticketing.validate_qr` answers with one of them, and each has a
 * sentence in every language of the gate; a test compares.
 */
export const SCAN_OUTCOMES = [
  'UNREADABLE',
  'UNKNOWN',
  'WRONG_EVENT',
  'ADMITTED',
  'UNDONE',
  'ALREADY_USED',
  'REFUNDED',
  'REFUNDING',
  'CANCELLED',
  'EVENT_CANCELLED',
  'TOO_EARLY',
  'TOO_LATE',
] as const

export type ScanOutcome = (typeof SCAN_OUTCOMES)[number]
