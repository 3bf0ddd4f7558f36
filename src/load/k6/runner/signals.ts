import { performance } from 'node:perf_hooks'
import process from 'node:process'

/** A terminal's Ctrl-C arrives by itself and from whoever started us: what comes so soon is the same press. */
const echoMsMax = 500

/** The first signal asks for an end; the second one does not wait for it. */
export function listenForSignals(
  stop: (signal: NodeJS.Signals) => void,
  end: (signal: NodeJS.Signals) => void,
): void {
  let firstAtMs: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now()
      firstAtMs ??= nowMs
      if (firstAtMs === nowMs) stop(signal)
      else if (nowMs - firstAtMs >= echoMsMax) end(signal)
    })
  }
}
