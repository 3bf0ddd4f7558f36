import { EXPOSED_SCHEMA } from './catalogue.ts'
import { RestError } from './errors.ts'

/** How the result is wanted. */
export interface Media {
  readonly type: string
  /** Exactly one row, as an object. */
  readonly single: boolean
  /** Keys with null left out. */
  readonly strip: boolean
  /** Lines of text in place of JSON. */
  readonly csv: boolean
}

const JSON_MEDIA: Media = {
  type: 'application/json; charset=utf-8',
  single: false,
  strip: false,
  csv: false,
}
const CSV_MEDIA: Media = { type: 'text/csv; charset=utf-8', single: false, strip: false, csv: true }

/** The first media type of the Accept header that this server has, best quality first. */
export function negotiateMedia(accept: string | null): Media {
  if (accept === null || accept === '*/*' || accept === 'application/json') return JSON_MEDIA
  const ranges = rangesOf(accept)
  for (const { type, strip, quality } of ranges) {
    const media = quality > 0 ? mediaOf(type, strip) : undefined
    if (media !== undefined) return media
  }
  const names = ranges.map(({ type }) => type).join(', ')
  throw new RestError('PGRST107', `None of these media types are available: ${names}`)
}

/** The media types of the Accept header, best quality first. */
export function acceptedTypes(accept: string | null): readonly string[] {
  return accept === null
    ? ['*/*']
    : rangesOf(accept).flatMap(({ type, quality }) => (quality > 0 ? [type] : []))
}

function rangesOf(accept: string) {
  return accept
    .split(',')
    .map(parseRange)
    .sort((left, right) => right.quality - left.quality)
}

function mediaOf(type: string, strip: boolean): Media | undefined {
  const suffix = `${strip ? '; nulls=stripped' : ''}; charset=utf-8`
  switch (type) {
    case '*/*':
    case 'application/*':
    case 'application/json':
      return JSON_MEDIA
    case 'text/csv':
      return CSV_MEDIA
    case 'application/vnd.pgrst.object':
    case 'application/vnd.pgrst.object+json':
      return { type: `application/vnd.pgrst.object+json${suffix}`, single: true, strip, csv: false }
    case 'application/vnd.pgrst.array':
    case 'application/vnd.pgrst.array+json':
      return strip
        ? { type: `application/vnd.pgrst.array+json${suffix}`, single: false, strip, csv: false }
        : JSON_MEDIA
    default:
      return undefined
  }
}

function parseRange(range: string): { type: string; strip: boolean; quality: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const value = quality === undefined ? 1 : Number(quality)
  return { type, strip: parameters.includes('nulls=stripped'), quality: Number.isNaN(value) ? 0 : value }
}

/** What the Prefer header asks for, as far as it means something to a call. */
export interface Preferences {
  readonly count: 'exact' | 'planned' | 'estimated' | undefined
  readonly timezone: string | undefined
  /** What a write answers with. */
  readonly returns: 'representation' | 'minimal' | 'headers-only' | undefined
  /** What an insert does with a row that is there. */
  readonly resolution: 'merge-duplicates' | 'ignore-duplicates' | undefined
  /** What an insert gives to a column that its body leaves out. */
  readonly missing: 'default' | 'null' | undefined
  /** Only with handling=strict. */
  readonly maxAffected: number | undefined
  /** Value of Preference-Applied; empty when none applies. */
  readonly applied: string
}

const NO_PREFERENCES: Preferences = {
  count: undefined,
  timezone: undefined,
  returns: undefined,
  resolution: undefined,
  missing: undefined,
  maxAffected: undefined,
  applied: '',
}

/** Unknown preferences are ignored, or refused where handling=strict asks for that. The first of a kind counts. */
export function parsePreferences(prefer: string | null, request: keyof typeof APPLIES): Preferences {
  if (prefer === null) return NO_PREFERENCES
  const parts = prefer.split(',').map((part) => part.trim())
  const first = (name: string) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
  const strict = parts.find((part) => HANDLING.test(part)) === 'handling=strict'
  const count = parts.find((part) => COUNT.test(part))?.slice('count='.length)
  const timezone = first('timezone')
  const known = timezone !== undefined && isTimezone(timezone)
  const valued = (pattern: RegExp) => parts.find((part) => pattern.test(part))
  const returns = valued(RETURN)
  const resolution = valued(RESOLUTION)
  const missing = valued(MISSING)
  const maxAffected = strict ? integerOf(first('max-affected')) : undefined
  const invalid = parts.filter((part) => !ACCEPTED.test(part) || (part === `timezone=${timezone}` && !known))
  if (strict && invalid.length > 0) {
    const details = `Invalid preferences: ${invalid.join(', ')}`
    throw new RestError('PGRST122', 'Invalid preferences given with handling=strict', details)
  }
  const applied = [
    resolution,
    missing,
    returns,
    count && `count=${count}`,
    parts.find((part) => HANDLING.test(part)),
    known && `timezone=${timezone}`,
    maxAffected !== undefined && `max-affected=${maxAffected}`,
  ]
  return {
    count: count as Preferences['count'],
    timezone: known ? timezone : undefined,
    returns: afterEquals(returns) as Preferences['returns'],
    resolution: afterEquals(resolution) as Preferences['resolution'],
    missing: afterEquals(missing) as Preferences['missing'],
    maxAffected,
    applied: applied.filter((part) => part && APPLIES[request].test(part)).join(', '),
  }
}

/** What each kind of request says that it applied, as PostgREST does. */
const APPLIES = {
  GET: /^(count|handling|timezone)=/,
  RPC: /^(count|handling|timezone|max-affected)=/,
  POST: /^(resolution|missing|return|count|handling|timezone)=/,
  PUT: /^(return|count|handling|timezone)=/,
  PATCH: /^(missing|return|count|handling|timezone|max-affected)=/,
  DELETE: /^(return|count|handling|timezone|max-affected)=/,
}
const HANDLING = /^handling=(strict|lenient)$/
const COUNT = /^count=(exact|planned|estimated)$/
const RETURN = /^return=(representation|minimal|headers-only)$/
const RESOLUTION = /^resolution=(merge|ignore)-duplicates$/
const MISSING = /^missing=(default|null)$/
const ACCEPTED = new RegExp(
  [
    HANDLING.source,
    COUNT.source,
    RESOLUTION.source,
    RETURN.source,
    '^tx=(commit|rollback)$',
    MISSING.source,
    '^timezone=',
    '^max-affected=',
  ].join('|'),
)

function afterEquals(part: string | undefined): string | undefined {
  return part?.slice(part.indexOf('=') + 1)
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function integerOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** True when the request names the schema; any other schema than the exposed one is refused. */
export function negotiateSchema(request: Request): boolean {
  const reads = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS'
  const schema = request.headers.get(reads ? 'accept-profile' : 'content-profile')
  if (schema === null || schema === EXPOSED_SCHEMA) return schema !== null
  const hint = `Only the following schemas are exposed: ${EXPOSED_SCHEMA}`
  throw new RestError('PGRST106', `Invalid schema: ${schema}`, null, hint)
}
