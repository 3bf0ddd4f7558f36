import { invalid, unsupported } from './stop.ts'

/** A duration of k6 in milliseconds: a number of milliseconds, or text like `1m30s`, `500ms` or `1.5s`. */
export function durationMs(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'string') {
    if (/^\d+(\.\d+)?$/.test(value)) return Number(value)
    if (/^(\d+(\.\d+)?(d|h|ms|m|s|us|µs|ns))+$/.test(value)) return sumOfParts(value)
  }
  throw invalid(
    `${name} must be a duration like '30s', '1m30s' or 500 (milliseconds), not ${JSON.stringify(value)}`,
  )
}

export function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw invalid(`${name} must be an object`)
}

export function textValues(value: unknown, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asRecord(value, name)).map(([key, text]) => [key, String(text)]))
}

export function refuseUnknown(given: object, allowed: readonly string[], what: string): void {
  const stranger = Object.keys(given).find((name) => !allowed.includes(name))
  if (stranger !== undefined) throw unsupported(`${what} '${stranger}'`, `use ${allowed.join(', ')}`)
}

const unitMs: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
}

function sumOfParts(text: string): number {
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s|us|µs|ns)/g)
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0)
}
