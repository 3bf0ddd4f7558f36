import { type FailoverResult, type FailoverWorld, failover, type Replication } from '../faults/failover.ts'
import { exportLedger } from '../history/ledger.ts'
import { NO_RECORDER, type Recorder } from '../history/recorder.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { type Mortals, mortalsOf, type Opened, type Report, type Run } from '../run.ts'
import { faultResult } from './fault-result.ts'
import { summed, together, witnessChecks } from './witness-checks.ts'

export const FAILOVER = 'failover'
export const FAILOVER_PATRONI = 'failover-patroni'

interface Setting {
  readonly name: string
  readonly story: string
  readonly open: (mortals: Mortals, replication: Replication) => Promise<Opened<FailoverWorld>>
  /** Longer than that nobody waits at a till. */
  readonly silenceMsMax: number
}

/** The longest of twenty that were measured took 3.8 s. */
const PAIR: Setting = {
  name: FAILOVER,
  story:
    'The primary is killed in the middle of a sale and its synchronous standby takes over: what buyers were told is there, and they go on.',
  open: ({ openPair }, replication) => openPair(replication),
  silenceMsMax: 15_000,
}

/** Its lease of 20 s has to run out first. */
const PATRONI: Setting = {
  name: FAILOVER_PATRONI,
  story:
    'The leader and its Patroni are killed in the middle of a sale, and Patroni elects the synchronous standby: what buyers were told is there, and they go on.',
  open: ({ openPatroni }, replication) => openPatroni(replication),
  silenceMsMax: 60_000,
}

const SYNCHRONOUS: Replication = { isSynchronous: true, distanceMs: 0 }
/** What was acknowledged in the last 20 ms is on its way when the primary dies. */
const ASYNCHRONOUS: Replication = { isSynchronous: false, distanceMs: 20 }
/** Sabotage: so often, until one is seen to lose something. */
const ATTEMPTS_MAX = 5

/** Two PostgreSQL of the proof's own, one the standby of the other. */
export function runFailover(run: Run, report: Report): Promise<ScenarioResult> {
  return play(run, report, PAIR)
}

/** Three of the machine's own PostgreSQL, each run with new ones. */
export function runFailoverPatroni(run: Run, report: Report): Promise<ScenarioResult> {
  return play(run, report, PATRONI)
}

async function play(run: Run, report: Report, setting: Setting): Promise<ScenarioResult> {
  const { name, story } = setting
  const startedMs = performance.now()
  const results: FailoverResult[] = []
  for (let n = 1; n <= run.profile.failovers; n++) {
    report(`${story} ${n} of ${run.profile.failovers}`)
    const recorder = run.history.openRecorder(name, `${name} ${n}`)
    results.push(await failOver(run, setting, SYNCHRONOUS, recorder))
  }
  const sabotaged = await sabotage(run, report, setting)
  const all = together(results)
  const counts = summed(results)
  return faultResult(run, {
    ...{ name, story },
    file: 'src/proof/faults/failover.ts',
    startedMs,
    counts,
    mustHaveHappened: [
      { what: 'failovers', times: results.length },
      { what: 'orders acknowledged', times: all.acknowledged },
      { what: 'unknown outcomes resolved', times: all.resolved },
      { what: 'orders lost where commits do not wait for the standby', times: sabotaged.lost.length },
    ],
    checks: [...witnessChecks(all, counts), silenceCheck(results, setting)],
  })
}

async function failOver(
  run: Run,
  { open }: Setting,
  replication: Replication,
  recorder: Recorder,
): Promise<FailoverResult> {
  run.signal.throwIfAborted()
  const { world, close } = await open(mortalsOf(run), replication)
  try {
    const result = await failover(world, recorder)
    await exportLedger(run.history, recorder.database, world.connect)
    return result
  } finally {
    await close()
  }
}

/** Sabotage: without synchronous_standby_names the witness must see a loss. What is broken on purpose is not of the history. */
async function sabotage(run: Run, report: Report, setting: Setting): Promise<FailoverResult> {
  for (let attempt = 1; ; attempt++) {
    report(`Sabotage: the same where commits do not wait for the standby; attempt ${attempt}`)
    const result = await failOver(run, setting, ASYNCHRONOUS, NO_RECORDER)
    if (result.lost.length > 0 || attempt === ATTEMPTS_MAX) return result
  }
}

/** From the death of a primary until somebody is sold something again. */
function silenceCheck(results: readonly FailoverResult[], { silenceMsMax }: Setting): Check {
  const name = `it sells again within ${silenceMsMax / 1000} s`
  const all = results
    .map(({ silenceMs }) => Math.round(silenceMs ?? Number.POSITIVE_INFINITY))
    .sort((a, b) => a - b)
  const [p50, max] = [all[Math.floor((all.length - 1) / 2)] ?? 0, all.at(-1) ?? 0]
  const verdict = max <= silenceMsMax ? 'PASS' : 'FAIL'
  return { name, verdict, detail: `${all.length} failovers: p50 ${p50} ms, max ${max} ms` }
}
