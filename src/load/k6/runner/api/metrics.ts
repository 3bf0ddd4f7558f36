import { log } from '../log.ts'
import { addSample, type Contents, type Metric, type MetricType } from '../metrics.ts'
import type { VirtualUser } from '../vu.ts'

type CustomTags = Readonly<Record<string, unknown>>

/** `k6/metrics`: metrics of the script's own. */
export function metricsModule(user: VirtualUser): object {
  return {
    Counter: metricClass(user, 'counter'),
    Gauge: metricClass(user, 'gauge'),
    Rate: metricClass(user, 'rate'),
    Trend: metricClass(user, 'trend'),
  }
}

function metricClass(user: VirtualUser, type: MetricType): unknown {
  return class {
    readonly name: string
    readonly #metric: Metric

    constructor(name: string, isTime = false) {
      if (!user.initializing) throw new Error('metrics must be declared in the init context')
      if (!/^[a-zA-Z_][a-zA-Z0-9_]{1,127}$/.test(name)) throw new Error(`invalid metric name '${name}'`)
      const contains: Contents = isTime ? 'time' : 'default'
      this.name = name
      this.#metric = user.test.metrics.define(name, type, contains)
    }

    add(value: unknown, tags: CustomTags = {}): boolean {
      if (user.initializing) throw new Error('Adding to metrics in the init context is not supported')
      const number = value === null ? Number.NaN : Number(value)
      if (Number.isNaN(number)) {
        log(
          'warning',
          `'${String(value)}' is an invalid value for metric '${this.name}': a number or a boolean is expected`,
        )
        return false
      }
      addSample(this.#metric, number, withTags(user, tags))
      return true
    }
  }
}

export function withTags(user: VirtualUser, tags: CustomTags): Record<string, string> {
  const merged = { ...user.tags }
  for (const [name, value] of Object.entries(tags)) merged[name] = String(value)
  return merged
}
