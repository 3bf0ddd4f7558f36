import { closeSync, openSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import type { Metric, Metrics } from './metrics.ts'

const bufferedCharsMax = 65_536

/** Writes every sample to a file, or to stdout (`-`), one JSON object a line, as `k6 run --out json` does; gives what ends it. */
export function startJsonOutput(metrics: Metrics, file: string): () => void {
  const target = openTarget(file)
  let lines = ''
  let isOver = false
  const flush = () => {
    if (lines !== '') target.write(lines)
    lines = ''
  }
  const write = (line: object) => {
    lines += `${JSON.stringify(line)}\n`
    if (lines.length > bufferedCharsMax) flush()
  }
  for (const metric of metrics.all.values()) {
    if (metric.name.includes('{')) continue
    let isKnown = false
    metric.listeners.push((value, tags) => {
      if (isOver) return
      if (!isKnown) write(described(metric))
      isKnown = true
      const time = new Date().toISOString()
      write({ metric: metric.name, type: 'Point', data: { time, value, tags } })
    })
  }
  process.once('exit', flush)
  return () => {
    process.off('exit', flush)
    flush()
    isOver = true
    target.close()
  }
}

interface Target {
  write(lines: string): void
  close(): void
}

/** Stdout keeps what a slow reader leaves, until the process ends: see `main.ts`. */
function openTarget(file: string): Target {
  if (file === '-') return { write: (lines) => void process.stdout.write(lines), close: () => undefined }
  const descriptor = openSync(file, 'w')
  return { write: (lines) => writeFileSync(descriptor, lines), close: () => closeSync(descriptor) }
}

function described({ name, type, contains, thresholds, submetrics }: Metric): object {
  return {
    type: 'Metric',
    data: {
      name,
      type,
      contains,
      thresholds: thresholds.map(({ source }) => source),
      submetrics: submetrics.map(({ metric }) => ({ name: metric.name })),
    },
    metric: name,
  }
}
