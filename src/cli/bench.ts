import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import type { Question } from '../bench/question.ts'
import { QUESTIONS } from '../bench/questions/index.ts'
import { type Result, result } from '../bench/result.ts'
import { runQuestion } from '../bench/run.ts'
import { resultText } from '../bench/table.ts'
import { type Config, readConfig, refuseLiveKey } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import type { Tool } from '../load/find.ts'
import { findPgbench } from '../load/pgbench/find.ts'
import { openRunDatabases } from '../proof/run-databases.ts'
import { openBenchPage } from './bench-page.ts'
import { worldsOf } from './bench-world.ts'
import { openClosing } from './closing.ts'
import { useServer, withClient } from './database.ts'
import { CommandError } from './failure.ts'
import { INTERRUPTED } from './interrupt.ts'
import { isColored, runIdOf, stopOnSignal } from './verdict.ts'
import { version } from './version.ts'

const NAMES = QUESTIONS.map(({ name }) => name)
const ROUNDS = 5
const ROUNDS_MAX = 100
const SECONDS_MAX = 60

export const bench = defineCommand({
  meta: {
    name: 'bench',
    description: 'Measure how fast it is, as ratios within one run; no figure where rows do not add up',
  },
  args: {
    question: { type: 'positional', required: false, description: `only these: ${NAMES.join(' | ')}` },
    rounds: {
      type: 'string',
      description: `windows of each contestant; ${ROUNDS}, or the question's own, where it is left out`,
    },
    seconds: { type: 'string', description: "of one window; the question's own where it is left out" },
    json: { type: 'boolean', description: 'print one JSON object; one question' },
    compare: { type: 'string', description: 'a file that --json made, to print beside; one question' },
    html: { type: 'string', description: 'a file for the run as one page, with plots' },
    pgbench: { type: 'string', description: 'path of pgbench, or off to leave out what needs it' },
  },
  run: async ({ args }) => {
    const config = readConfig()
    refuseLiveKey(config, 'a bench')
    const questions = args._.length === 0 ? QUESTIONS : args._.map(questionOf)
    requireOne(questions, args.json === true, '--json')
    requireOne(questions, args.compare !== undefined, '--compare')
    const order: Order = {
      questions,
      rounds: args.rounds === undefined ? undefined : wholeNumber('rounds', args.rounds, ROUNDS_MAX),
      seconds: args.seconds === undefined ? undefined : wholeNumber('seconds', args.seconds, SECONDS_MAX),
      pgbench: await pgbenchOf(args.pgbench),
    }
    const earlier = await earlierOf(args.compare, questions)
    const terminal = { columns: process.stdout.columns ?? COLUMNS, color: isColored(config) }
    const page = args.html === undefined ? undefined : await openBenchPage(args.html, questions, earlier)
    const stop = stopOnSignal()
    try {
      await measure(config, order, stop.signal, async (question, measured) => {
        console.log(
          args.json === true
            ? JSON.stringify(measured, null, 2)
            : `${resultText(question, measured, terminal, earlier)}\n`,
        )
        await page?.add(question, measured)
      })
    } catch (error) {
      if (!stop.signal.aborted) throw error
      process.exitCode = INTERRUPTED
    } finally {
      stop.dispose()
      await page?.close()
    }
  },
})

/** Of a terminal that does not say how wide it is. */
const COLUMNS = 100

interface Order {
  readonly questions: readonly Question[]
  readonly rounds: number | undefined
  readonly seconds: number | undefined
  readonly pgbench: Tool | undefined
}

/** Brings up a PostgreSQL of the run's own, or uses DATABASE_URL's, answers the questions, and takes everything down again. */
async function measure(
  config: Config,
  { questions, rounds, seconds, pgbench }: Order,
  signal: AbortSignal,
  answer: (question: Question, measured: Result) => Promise<void>,
): Promise<void> {
  const folder = join(config.home, `bench-${runIdOf(new Date())}`)
  const { after, close } = openClosing()
  const progress = openProgress(config)
  try {
    await after(mkdir(folder, { recursive: true }), () => rm(folder, { recursive: true, force: true }))
    progress.report('starting PostgreSQL')
    const server = await after(useServer(config, join(folder, 'postgres'), { ephemeral: true }), (it) =>
      it.stop(),
    )
    const databaseUrl = await withClient(server.url, async (_, url) => url)
    signal.throwIfAborted()
    const runId = `${Date.now()}b${process.pid}`
    const databases = await after(openRunDatabases(databaseUrl, runId, migrate), (it) => it.close())
    const jwtSecret = randomBytes(32).toString('hex')
    for (const question of questions) {
      const options = { seconds: seconds ?? question.seconds, pgbench, folder, signal, jwtSecret }
      const openWorld = await worldsOf(config, databases, options)
      const report = (step: string, detail?: string) => progress.report(`${question.name}, ${step}`, detail)
      const measured = await runQuestion(question, {
        ...options,
        version,
        rounds: rounds ?? question.rounds ?? ROUNDS,
        openWorld,
        report,
      })
      progress.clear()
      await answer(question, measured)
    }
  } finally {
    progress.clear()
    await close()
  }
}

/** On standard error: a line that is written again on a terminal, else one line a step. */
function openProgress({ color }: Config) {
  const { stderr } = process
  const isLive = color && stderr.isTTY === true
  let last = ''
  return {
    report: (step: string, detail?: string) => {
      const text = detail === undefined ? step : `${step}: ${detail}`
      if (isLive) stderr.write(`\r\u001b[2K${`${text} …`.slice(0, (stderr.columns ?? COLUMNS) - 1)}`)
      else if (step !== last) stderr.write(`${step} …\n`)
      last = step
    },
    clear: () => {
      if (isLive) stderr.write('\r\u001b[2K')
    },
  }
}

function questionOf(name: string): Question {
  const found = QUESTIONS.find((question) => question.name === name)
  if (found !== undefined) return found
  throw new CommandError(`There is no question "${name}": ${NAMES.join(', ')}.`)
}

function requireOne(questions: readonly Question[], isAsked: boolean, flag: string): void {
  if (isAsked && questions.length !== 1)
    throw new CommandError(`${flag} is for one question: ${NAMES.join(', ')}.`)
}

function wholeNumber(flag: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= max) return value
  throw new CommandError(`--${flag} must be a whole number from 1 to ${max}.`)
}

/** A pgbench that was named and is not there is not left out in silence. */
async function pgbenchOf(path: string | undefined): Promise<Tool | undefined> {
  if (path === 'off') return undefined
  try {
    return await findPgbench(path)
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

/** Read before anything starts, so that what cannot be compared is told at once. */
async function earlierOf(
  path: string | undefined,
  [question]: readonly Question[],
): Promise<Result | undefined> {
  if (path === undefined) return undefined
  const parsed = result.safeParse(jsonOf(await readFile(path, 'utf8')))
  if (!parsed.success) {
    throw new CommandError(`${path} is no result of \`admit-once bench ${question?.name} --json\`.`)
  }
  if (parsed.data.question === question?.name) return parsed.data
  throw new CommandError(`${path} answers "${parsed.data.question}", not "${question?.name}".`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
