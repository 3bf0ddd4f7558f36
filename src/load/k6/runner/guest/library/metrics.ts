import { ask } from './bridge.ts'

/** `k6/metrics`: metrics of the script's own, counted by the host. */
export const Counter = metricClass('Counter')
export const Gauge = metricClass('Gauge')
export const Rate = metricClass('Rate')
export const Trend = metricClass('Trend')
export default { Counter, Gauge, Rate, Trend }

function metricClass(type: string) {
  return class {
    readonly name: string
    readonly #id: unknown

    constructor(name: string, isTime = false) {
      this.name = name
      this.#id = ask('metric', type, name, isTime)
    }

    add(value: unknown, tags: object = {}): boolean {
      return Boolean(ask('metric.add', this.#id, value ?? null, tags))
    }
  }
}
