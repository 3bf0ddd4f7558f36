import { Listr, type ListrTask } from 'listr2'
import type { StageResult } from '../proof/results.ts'
import type { Report, Run, Stage } from '../proof/run.ts'
import { runStage, STAGES, turnsOf } from '../proof/stages/index.ts'

/** Runs the stages and tells how they go: `live` on a terminal that redraws, else a line when a stage has ended. */
export async function runStages(run: Run, live: boolean): Promise<StageResult[]> {
  const done = new Map<Stage, StageResult>()
  const work = async (stage: Stage, report: Report) => {
    const result = await runStage(run, stage, report)
    done.set(stage, result)
    return result
  }
  try {
    for (const turn of turnsOf(run)) await (live ? drawTurn(turn, work) : tellTurn(turn, work))
  } finally {
    console.log()
  }
  return STAGES.flatMap((stage) => done.get(stage) ?? [])
}

type Work = (stage: Stage, report: Report) => Promise<StageResult>

async function tellTurn(turn: readonly Stage[], work: Work): Promise<void> {
  const ended = await Promise.allSettled(
    turn.map(async (stage) => console.log(lineOf(await work(stage, () => {})))),
  )
  for (const stage of ended) if (stage.status === 'rejected') throw stage.reason
}

/** A stage that comes to no verdict ends the run, once the others of its turn have ended. */
async function drawTurn(turn: readonly Stage[], work: Work): Promise<void> {
  const working: Promise<unknown>[] = []
  const begin: Work = (stage, report) => {
    const result = work(stage, report)
    working.push(result)
    return result
  }
  try {
    await new Listr(
      turn.map((stage) => taskOf(stage, begin)),
      { ...LIVE, concurrent: true },
    ).run({})
  } finally {
    await Promise.allSettled(working)
  }
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

function taskOf(stage: Stage, work: Work): ListrTask<object> {
  let hasVerdict = false
  return {
    title: stage.title,
    // A FAIL is drawn as one, and the next stage has its turn.
    exitOnError: () => !hasVerdict,
    task: async (_, task) => {
      const result = await work(stage, (text) => {
        task.output = text
      })
      hasVerdict = true
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
