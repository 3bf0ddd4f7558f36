import type { Row } from '../../db/pool.ts'
import type { Reply } from '../http.ts'
import { RestError, stringHeaders, validStatus } from './errors.ts'

/** The reply with the status and headers that SQL itself asked for. */
export function withOwn(reply: Reply, [, ownHeaders = null, ownStatus = null]: Row): Reply {
  return {
    ...reply,
    status: ownStatus === null ? reply.status : statusOf(ownStatus),
    headers: ownHeaders === null ? reply.headers : { ...reply.headers, ...headersIn(ownHeaders) },
  }
}

/** Which rows these are, of how many, as far as that was asked. */
export function contentRange(offset: number, rows: number, total: number | undefined): string {
  return `${rows === 0 ? '*' : `${offset}-${offset + rows - 1}`}/${total ?? '*'}`
}

export function beyond(offset: number, total: number): RestError {
  const details = `An offset of ${offset} was requested, but there are only ${total} rows.`
  return new RestError('PGRST103', 'Requested range not satisfiable', details)
}

function statusOf(text: string): number {
  const status = validStatus(Number(text))
  if (status === undefined) throw new RestError('PGRST112', 'response.status guc must be a valid status code')
  return status
}

function headersIn(text: string): Record<string, string> {
  const message =
    'response.headers guc must be a JSON array composed of objects with a single key and a string value'
  const list = parseList(text)
  const headers = list?.map(stringHeaders)
  if (!headers?.every((header) => header !== undefined && Object.keys(header).length === 1)) {
    throw new RestError('PGRST111', message)
  }
  return Object.assign({}, ...headers)
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
