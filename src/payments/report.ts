import type { Level, Log } from '../core/log.ts'
import type { CallFailure } from './provider.ts'

/** Waiting does not help: the operator must put it right. */
const OPERATORS: ReadonlySet<string> = new Set([
  'authentication_error',
  'permission_error',
  'idempotency_error',
])

/** What waiting does not help is an error; what every day brings is not worth a line. */
export function reportTo(log: Log): (failure: CallFailure) => void {
  return ({ kind, ...facts }) => log(levelOf(facts), `payment_call_${kind}`, facts)
}

function levelOf({ call, code }: Omit<CallFailure, 'kind'>): Level {
  if (OPERATORS.has(code)) return 'error'
  // Two clicks at once; a session that was paid, or had ended, before we could end it.
  return code === 'idempotency_key_in_use' || call === 'expireSession' ? 'info' : 'warn'
}
