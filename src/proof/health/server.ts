import { z } from 'zod'
import type { ErrorKind } from '../../core/error-rates.ts'

/** What a server says of itself under /metrics, since it started. */
export interface ServerFigures {
  readonly requests: number
  readonly statuses: Readonly<Record<string, number>>
  /** Answers by the code that they refuse with. */
  readonly codes: Readonly<Record<string, number>>
  readonly errors: Readonly<Partial<Record<ErrorKind, number>>>
  readonly rssBytes: number
  readonly heapBytes: number
  readonly pool: { readonly open: number; readonly idle: number; readonly waiting: number }
}

const READ_MS_MAX = 5_000

/** The figures, or undefined where the server has none, or does not give them within a bound. */
export async function readServer(url: string, serviceKey: string): Promise<ServerFigures | undefined> {
  try {
    const response = await fetch(`${url}/metrics`, {
      headers: { Authorization: `Bearer ${serviceKey}` },
      signal: AbortSignal.timeout(READ_MS_MAX),
    })
    return response.ok ? figuresIn(await response.text()) : undefined
  } catch {
    return undefined
  }
}

/** Prometheus' text format, as far as a server of ours writes it; undefined where it is somebody else's. */
export function figuresIn(text: string): ServerFigures | undefined {
  const samples = samplesIn(text)
  const of = (name: string) => samples.filter((sample) => sample.name === `admit_once_${name}`)
  const total = (name: string) => of(name).reduce((sum, { value }) => sum + value, 0)
  const requests = of('requests_total')
  const rss = samples.find(({ name }) => name === 'process_resident_memory_bytes')?.value
  if (rss === undefined) return undefined
  const refused = requests.filter(({ labels }) => (labels['code'] ?? '') !== '')
  return {
    requests: total('requests_total'),
    statuses: sumBy(requests, 'status'),
    codes: sumBy(refused, 'code'),
    errors: sumBy(of('errors_total'), 'kind'),
    rssBytes: rss,
    heapBytes: samples.find(({ name }) => name === 'nodejs_heap_size_used_bytes')?.value ?? 0,
    pool: {
      open: total('pool_connections'),
      idle: total('pool_connections_idle'),
      waiting: total('pool_waiting'),
    },
  }
}

interface MetricSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g
const figure = z.coerce.number()

function samplesIn(text: string): readonly MetricSample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    const parsed = figure.safeParse(value)
    if (name === undefined || !parsed.success) return []
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', of = '']) => [label, of] as const)
    return [{ name, labels: Object.fromEntries(pairs), value: parsed.data }]
  })
}

function sumBy(samples: readonly MetricSample[], label: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { labels, value } of samples) {
    const key = labels[label]
    if (key !== undefined) sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}
