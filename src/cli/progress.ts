import { Listr, type ListrTask } from 'listr2'
import type { StageResult } from '../proof/results.ts'
import type { Report, Run, Stage } from '../proof/run.ts'
import { runStage, STAGES } from '../proof/stages/index.ts'

/** Runs the stages and tells how they go: `live` on a terminal that redraws, else a line when a stage has ended. */
export async function runStages(run: Run, live: boolean): Promise<StageResult[]> {
  const done: StageResult[] = []
  const work = async (stage: Stage, report: Report) => {
    const result = await runStage(run, stage, report)
    done.push(result)
    return result
  }
  const tasks = STAGES.map((stage) => taskOf(stage, work))
  try {
    if (live) await new Listr(tasks, LIVE).run({ verdicts: 0 })
    else for (const stage of STAGES) console.log(lineOf(await work(stage, () => {})))
  } finally {
    console.log()
  }
  return done
}

/** How many stages have come to a verdict: one that came to none ends the run. */
interface Progress {
  verdicts: number
}

const LIVE = {
  // Ctrl-C is ours: what was started is taken down first.
  registerSignalListeners: false,
  // One line a stage, never longer than the terminal; what went wrong is told once, at the end.
  rendererOptions: {
    formatOutput: 'truncate',
    showErrorMessage: false,
    collapseErrors: false,
    collapseSkips: false,
  },
} as const

type Work = (stage: Stage, report: Report) => Promise<StageResult>

function taskOf(stage: Stage, work: Work): ListrTask<Progress> {
  const index = STAGES.indexOf(stage)
  return {
    title: stage.title,
    // A FAIL is drawn as one, and the next stage has its turn.
    exitOnError: ({ verdicts }) => verdicts === index,
    task: async (progress, task) => {
      const result = await work(stage, (text) => {
        task.output = text
      })
      progress.verdicts++
      task.title = lineOf(result)
      if (result.verdict === 'FAIL') throw new Error(result.reason)
      if (result.verdict !== 'PASS') task.skip()
    },
  }
}

const TITLE_COLUMNS = Math.max(...STAGES.map(({ title }) => title.length))
const VERDICT_COLUMNS = 'INCONCLUSIVE'.length

function lineOf({ title, verdict, checks, reason, durationMs, leftOut = [] }: StageResult): string {
  const passed = checks.filter((check) => check.verdict === 'PASS').length
  const seen =
    verdict === 'SKIPPED'
      ? reason
      : `${String(passed).padStart(2)} of ${String(checks.length).padStart(2)} checks  ${(durationMs / 1000).toFixed(1).padStart(5)} s`
  const rest = leftOut.length === 0 ? '' : `  left out: ${leftOut.map(({ name }) => name).join(', ')}`
  return `${title.padEnd(TITLE_COLUMNS)}  ${verdict.padEnd(VERDICT_COLUMNS)}  ${seen}${rest}`
}
