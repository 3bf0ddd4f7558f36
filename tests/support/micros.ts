import type pg from 'pg'

/** PostgreSQL's timestamps in whole microseconds, which JavaScript's dates do not have. */

export async function clockUs(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    'select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us',
  )
  return Number(rows[0]?.us)
}

export function isoOf(us: number): string {
  const seconds = Math.floor(us / SECOND_US)
  const rest = String(us - seconds * SECOND_US).padStart(6, '0')
  return new Date(seconds * 1000).toISOString().replace('.000Z', `.${rest}Z`)
}

const SECOND_US = 1_000_000

export function microsOf(iso: string | null | undefined): number | undefined {
  const parts = /^([\d-]+T[\d:]+)(?:\.(\d+))?(Z|[+-][\d:]+)$/.exec(iso ?? '')
  if (parts === null) return undefined
  return Date.parse(`${parts[1]}${parts[3]}`) * 1000 + Number((parts[2] ?? '').padEnd(6, '0'))
}
