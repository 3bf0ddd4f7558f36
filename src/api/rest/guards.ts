import { randomUUID } from 'node:crypto'
import { literal } from '../../db/call.ts'
import { RestError } from './errors.ts'
import type { Media } from './negotiate.ts'
import { elsewhere } from './single-upsert.ts'

/** Begins the text of an error by which a statement rolls itself back; named by nobody else, so that no function's own is taken for it. */
const NONCE = `admit-once-${randomUUID()}:`
const NOT_SINGLE = 's'
const TOO_MANY = 'm'
const ELSEWHERE = 'p'

/** Casts that fail, and so roll everything back, where there are not as many rows as asked for. */
export function guardsSql(
  { single }: Pick<Media, 'single'>,
  maxAffected: number | undefined,
  isPut = false,
): string {
  const guard = (broken: string, letter: string) =>
    `,case when ${broken} then (${literal(`${NONCE}${letter}`)}||count(*))::int end`
  const one = single ? guard('count(*)<>1', NOT_SINGLE) : ''
  const here = isPut ? guard('count(*)<>1', ELSEWHERE) : ''
  return here + one + (maxAffected === undefined ? '' : guard(`count(*)>${maxAffected}`, TOO_MANY))
}

/** The refusal that a guard stands for; undefined for every other error. */
export function rowCountError(message: string): RestError | undefined {
  const at = message.indexOf(NONCE)
  if (at < 0) return undefined
  const letter = message[at + NONCE.length]
  const rows = Number.parseInt(message.slice(at + NONCE.length + 1), 10)
  if (letter === NOT_SINGLE) {
    const details = `The result contains ${rows} rows`
    return new RestError('PGRST116', 'Cannot coerce the result to a single JSON object', details)
  }
  if (letter === ELSEWHERE) return elsewhere()
  if (letter !== TOO_MANY) return undefined
  const details = `The query affects ${rows} rows`
  return new RestError('PGRST124', 'Query result exceeds max-affected preference constraint', details)
}
