import type { Setting } from '../../db/pool.ts'
import type { Preferences } from './negotiate.ts'

/** What SQL may know of the request, as PostgREST sets it. */
export function requestSettings(
  request: Request,
  path: string,
  { timezone }: Preferences,
): readonly Setting[] {
  const own: readonly Setting[] = timezone === undefined ? [] : [['timezone', timezone]]
  return [
    ['request.method', request.method],
    ['request.path', path],
    ['request.headers', headersOf(request)],
    ...own,
  ]
}

function headersOf(request: Request): string {
  const headers: Record<string, string> = {}
  request.headers.forEach((value, name) => {
    if (name !== 'cookie') headers[name] = value
  })
  return JSON.stringify(headers)
}
