import { Listr, type ListrTask } from 'listr2'
import type { StageResult } from '../proof/results.ts'
import type { Report, Run, Stage } from '../proof/run.ts'
import { runStage, STAGES, turnsOf } from '../proof/stages/index.ts'

interface ProgressOptions {
  /** On a terminal that redraws; else a line is told when a stage has ended. */
  readonly live: boolean
  /** Aborts the run's signal: what goes on beside a stage that could not run ends soon after. */
  readonly breakOff: (reason: unknown) => void
}

/** Runs the stages and tells how they go. Results come in the order of the report. */
export async function runStages(run: Run, { live, breakOff }: ProgressOptions): Promise<StageResult[]> {
  const done: StageResult[] = []
  const work = async (stage: Stage, report: Report) => {
    const result = await runStage(run, stage, report)
    done.push(result)
    if (!live) console.log(lineOf(result))
    return result
  }
  const turns = turnsOf(run).map((stages) => ({
    stages,
    work: besideEachOther(work, stages.length, breakOff),
  }))
  try {
    if (live) await new Listr(turns.map(taskOfTurn), LIVE).run({ verdicts: new Set() })
    else for (const turn of turns) await Promise.all(turn.stages.map((stage) => turn.work(stage, () => {})))
  } finally {
    console.log()
  }
  return STAGES.flatMap(({ name }) => done.filter((result) => result.name === name))
}

/** Structured concurrency: where one of `count` fails the others are broken off, and none tells of it before all have ended. */
function besideEachOther(work: Work, count: number, breakOff: (reason: unknown) => void): Work {
  let running = count
  const allEnded = Promise.withResolvers<void>()
  const end = () => {
    if (--running === 0) allEnded.resolve()
  }
  return async (stage, report) => {
    try {
      return await work(stage, report).finally(end)
    } catch (error) {
      breakOff(error)
      await allEnded.promise
      throw error
    }
  }
}

/** Which stages have come to a verdict: one that came to none ends the run. */
interface Progress {
  readonly verdicts: Set<Stage['name']>
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
    collapseSubtasks: false,
  },
} as const

type Work = (stage: Stage, report: Report) => Promise<StageResult>

interface Turn {
  readonly stages: readonly Stage[]
  readonly work: Work
}

function taskOfTurn({ stages, work }: Turn): ListrTask<Progress> {
  const [first, ...others] = stages.map((stage) => taskOf(stage, work))
  if (first !== undefined && others.length === 0) return first
  return {
    title: 'Beside each other',
    exitOnError: ({ verdicts }) => stages.some(({ name }) => !verdicts.has(name)),
    task: (_, task) =>
      task.newListr(
        stages.map((stage) => taskOf(stage, work)),
        { concurrent: true },
      ),
  }
}

function taskOf(stage: Stage, work: Work): ListrTask<Progress> {
  return {
    title: stage.title,
    // A FAIL is drawn as one, and the next stage has its turn.
    exitOnError: ({ verdicts }) => !verdicts.has(stage.name),
    task: async ({ verdicts }, task) => {
      const result = await work(stage, (text) => {
        task.output = text
      })
      verdicts.add(stage.name)
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
