import type { StageResult } from '../proof/results.ts'

type Step = Pick<StageResult, 'title' | 'verdict' | 'checks' | 'durationMs' | 'reason'>

const TITLE_COLUMNS = 21
const VERDICT_COLUMNS = 'INCONCLUSIVE'.length

/** Tells how the steps of a run go, a line when one has ended; on a terminal a last line says what is at work. */
export function openSteps(live: boolean): {
  readonly onWork: (title: string, doing: string) => void
  readonly onEnd: (step: Step) => void
} {
  const write = (text: string) => process.stdout.write(`\r\u001b[2K${text}`)
  return {
    onWork: (title, doing) => {
      if (live) write(`${title}: ${doing} …`.slice(0, (process.stdout.columns ?? 80) - 1))
    },
    onEnd: (step) => {
      if (live) write('')
      console.log(lineOf(step))
    },
  }
}

function lineOf({ title, verdict, checks, durationMs, reason = '' }: Step): string {
  const passed = checks.filter((check) => check.verdict === 'PASS').length
  const seen = `${String(passed).padStart(2)} of ${String(checks.length).padStart(2)} checks  ${(durationMs / 1000).toFixed(1).padStart(5)} s`
  const line = verdict === 'SKIPPED' ? reason : seen
  return `${title.padEnd(TITLE_COLUMNS)}  ${verdict.padEnd(VERDICT_COLUMNS)}  ${line}`
}
