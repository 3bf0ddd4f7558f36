import { type FailoverResult, failover, type Replication } from '../faults/failover.ts'
import { exportLedger } from '../history/ledger.ts'
import { NO_RECORDER, type Recorder } from '../history/recorder.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { mortalsOf, type Report, type Run } from '../run.ts'
import { faultResult } from './fault-result.ts'
import { summed, together, witnessChecks } from './witness-checks.ts'

export const FAILOVER = 'failover'

const STORY =
  'The primary is killed in the middle of a sale and its synchronous standby takes over: what buyers were told is there, and they go on.'

const SYNCHRONOUS: Replication = { isSynchronous: true, distanceMs: 0 }
/** What was acknowledged in the last 20 ms is on its way when the primary dies. */
const ASYNCHRONOUS: Replication = { isSynchronous: false, distanceMs: 20 }
/** Sabotage: so often, until one is seen to lose something. */
const ATTEMPTS_MAX = 5
/** Longer than that nobody waits at a till; the longest of twenty that were measured took 3.8 s. */
const SILENCE_MS_MAX = 15_000

/** Two PostgreSQL of the proof's own, one the standby of the other. */
export async function runFailover(run: Run, report: Report): Promise<ScenarioResult> {
  const startedMs = performance.now()
  const results: FailoverResult[] = []
  for (let n = 1; n <= run.profile.failovers; n++) {
    report(`${STORY} ${n} of ${run.profile.failovers}`)
    results.push(await failOver(run, SYNCHRONOUS, run.history.openRecorder(FAILOVER, `${FAILOVER} ${n}`)))
  }
  const sabotaged = await sabotage(run, report)
  const all = together(results)
  const counts = summed(results)
  return faultResult(run, {
    name: FAILOVER,
    story: STORY,
    file: 'src/proof/faults/failover.ts',
    startedMs,
    counts,
    mustHaveHappened: [
      { what: 'failovers', times: results.length },
      { what: 'orders acknowledged', times: all.acknowledged },
      { what: 'unknown outcomes resolved', times: all.resolved },
      { what: 'orders lost where commits do not wait for the standby', times: sabotaged.lost.length },
    ],
    checks: [...witnessChecks(all, counts), silenceCheck(results.map(({ silenceMs }) => silenceMs))],
  })
}

async function failOver(run: Run, replication: Replication, recorder: Recorder): Promise<FailoverResult> {
  run.signal.throwIfAborted()
  const { world, close } = await mortalsOf(run).openPair(replication)
  try {
    const result = await failover(world, recorder)
    await exportLedger(run.history, recorder.database, world.connect)
    return result
  } finally {
    await close()
  }
}

/** Sabotage: without synchronous_standby_names the witness must see a loss. What is broken on purpose is not of the history. */
async function sabotage(run: Run, report: Report): Promise<FailoverResult> {
  for (let attempt = 1; ; attempt++) {
    report(`Sabotage: the same where commits do not wait for the standby; attempt ${attempt}`)
    const result = await failOver(run, ASYNCHRONOUS, NO_RECORDER)
    if (result.lost.length > 0 || attempt === ATTEMPTS_MAX) return result
  }
}

/** From the death of a primary until somebody is sold something again. */
function silenceCheck(silences: readonly (number | undefined)[]): Check {
  const name = `it sells again within ${SILENCE_MS_MAX / 1000} s`
  const all = silences.map((ms) => Math.round(ms ?? Number.POSITIVE_INFINITY)).sort((a, b) => a - b)
  const [p50, max] = [all[Math.floor((all.length - 1) / 2)] ?? 0, all.at(-1) ?? 0]
  const verdict = max <= SILENCE_MS_MAX ? 'PASS' : 'FAIL'
  return { name, verdict, detail: `${all.length} failovers: p50 ${p50} ms, max ${max} ms` }
}
