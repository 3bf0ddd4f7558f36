/** What calls end with that an operator keeps an eye on, and how large a share of all requests may end so. */
export interface ErrorRate {
  readonly kind: string
  readonly shareMax: number
  readonly says: string
}

/** The error taxonomy: a share of 1 is what a sale brings, and no alert. */
export const ERROR_RATES = [
  { kind: 'serialization_failure', shareMax: 0.05, says: '40001 and 40P01: the caller is told to retry' },
  {
    kind: 'duplicate_request',
    shareMax: 1,
    says: 'a repeated key got its first answer, or 23505 refused it',
  },
  { kind: 'insufficient_inventory', shareMax: 1, says: 'too few were left' },
  { kind: 'hold_expired', shareMax: 0.1, says: 'the hold had ended before its order came' },
  { kind: 'server_error', shareMax: 0.001, says: '500: a bug, or an outage that has no code' },
] as const satisfies readonly ErrorRate[]

export type ErrorKind = (typeof ERROR_RATES)[number]['kind']

/** What a refusal's code or a SQLSTATE counts as; undefined: as nothing of these. */
export function errorKindOf(code: string): ErrorKind | undefined {
  return KINDS.get(code)
}

const KINDS: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ['40001', 'serialization_failure'],
  ['40P01', 'serialization_failure'],
  ['23505', 'duplicate_request'],
  ['INSUFFICIENT_TICKETS', 'insufficient_inventory'],
  ['INSUFFICIENT_SPOTS', 'insufficient_inventory'],
  ['SLOT_FULL', 'insufficient_inventory'],
  ['HOLD_EXPIRED', 'hold_expired'],
])
