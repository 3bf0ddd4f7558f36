import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { Listr } from 'listr2'
import { type Config, readConfig } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import { PROFILES, type ProfileName } from '../proof/profiles.ts'
import {
  conclude,
  findTools,
  openRun,
  type ProofOptions,
  type Run,
  runStage,
  STAGES,
} from '../proof/proof.ts'
import { reportHtml } from '../proof/report/html.ts'
import { verdictText } from '../proof/report/terminal.ts'
import { type Results, type StageResult, results as schema, type Verdict } from '../proof/results.ts'
import { openWorkbench } from '../proof/workbench.ts'
import { useServer, withClient } from './database.ts'
import { CommandError } from './failure.ts'
import { variablesOf } from './fixtures.ts'
import { jwtSecretOf } from './secrets.ts'
import { serveFrom } from './serve-from.ts'
import { version } from './version.ts'

const EXIT: Record<Verdict, number> = { PASS: 0, FAIL: 1, INCONCLUSIVE: 2 }
const SCENARIOS = ['concurrent-checkout', 'scanner-burst', 'reserve-race']

export const prove = defineCommand({
  meta: {
    name: 'prove',
    description:
      'Attack every guarantee and say PASS, FAIL or INCONCLUSIVE; exit 0, 1, 2, or 3 if it could not run',
  },
  args: {
    scenario: { type: 'positional', required: false, description: `only these: ${SCENARIOS.join(' | ')}` },
    profile: { type: 'string', default: 'quick', description: Object.keys(PROFILES).join(' | ') },
    seed: { type: 'string', description: 'repeats the choices of an earlier run' },
    results: { type: 'string', default: 'results', description: 'folder for results.json and report.html' },
    k6: { type: 'string', description: 'path of k6, or off for the built-in runner' },
    pgbench: { type: 'string', description: 'path of pgbench, or off for the built-in runner' },
  },
  run: async ({ args }) => {
    const config = readConfig()
    const profile = profileOf(args.profile)
    const only = args._.map(scenarioOf)
    const seed = args.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : seedOf(args.seed)
    const tools = await findTools(args.k6, args.pgbench)
    const startedAt = new Date()
    const id = `${startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-${process.pid}`
    const folder = join(resolve(args.results), id)
    const command = `npx admit-one prove ${[...only, '--profile', profile.name, '--seed', String(seed)].join(' ')}`
    const results = await proveOn(config, folder, {
      profile,
      seed,
      only,
      tools,
      run: { id, command, version, startedAt },
      clock: () => new Date(),
    })
    const report = await write(folder, results)
    const columns = process.stdout.columns ?? 80
    console.log(verdictText(results, { columns, color: config.color && process.stdout.isTTY === true }))
    console.log(`report   ${relative('.', report)}`)
    process.exitCode = EXIT[results.verdict]
  },
})

type Given = Pick<ProofOptions, 'profile' | 'seed' | 'only' | 'tools' | 'run' | 'clock'>

/** Brings up a PostgreSQL and databases of the run's own, runs the stages, and takes everything down again. */
async function proveOn(config: Config, folder: string, given: Given): Promise<Results> {
  await mkdir(folder, { recursive: true })
  const work = join(config.home, `prove-${given.run.id}`)
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const stop = stopOnSignal(close)
  try {
    const server = await useServer(config, work, true)
    closers.push(() => server.stop())
    await withClient(server.url, async () => {})
    const workbench = await openWorkbench(server.url, String(Date.now()), migrate)
    closers.push(() => workbench.close())
    const jwtSecret = await jwtSecretOf(config)
    const run = openRun({
      ...given,
      workbench,
      source: server.source,
      folder,
      startServer: (url) => serveFrom(url, jwtSecret),
      variablesOf: (fixture, url) => variablesOf(fixture, jwtSecret, url),
    })
    return conclude(run, await runStages(run, config))
  } finally {
    stop.dispose()
    await close()
    await rm(work, { recursive: true, force: true })
  }
}

async function runStages(run: Run, config: Config): Promise<StageResult[]> {
  const done: StageResult[] = []
  const tasks = STAGES.map((stage) => ({
    title: stage.title,
    task: async (_: unknown, task: { output: string; title: string; skip(reason: string): void }) => {
      const result = await runStage(run, stage, (text) => {
        task.output = text
      })
      done.push(result)
      if (result.verdict === 'SKIPPED') task.skip(`${stage.title}: ${result.reason}`)
      else task.title = `${stage.title}  ${described(result)}`
    },
  }))
  const plain = process.stdout.isTTY !== true || !config.color
  await new Listr(tasks, plain ? { renderer: 'simple' } : { renderer: 'default' }).run()
  return done
}

function described(result: StageResult): string {
  const passed = result.checks.filter((check) => check.verdict === 'PASS').length
  const seconds = (result.durationMs / 1000).toFixed(1)
  return `${result.verdict}  ${passed} of ${result.checks.length} checks, ${seconds} s`
}

/** A stage that threw is a bug or an outage: nothing was proved, so what it left is taken down and said. */
function stopOnSignal(close: () => Promise<void>): { dispose(): void } {
  const onSignal = () => {
    console.error('\nstopped: taking down what was started …')
    void close().finally(() => process.exit(130))
  }
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  return {
    dispose: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** results.json and report.html, in the run's folder; gives the report's path. */
async function write(folder: string, results: Results): Promise<string> {
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(schema.parse(results), null, 2)}\n`)
  const report = join(folder, 'report.html')
  await writeFile(report, reportHtml(results))
  return report
}

function profileOf(name: string) {
  if (name in PROFILES) return PROFILES[name as ProfileName]
  throw new CommandError(`There is no profile "${name}": ${Object.keys(PROFILES).join(', ')}.`)
}

function scenarioOf(name: string): string {
  if (SCENARIOS.includes(name)) return name
  throw new CommandError(`There is no scenario "${name}": ${SCENARIOS.join(', ')}.`)
}

function seedOf(text: string): number {
  const seed = Number(text)
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) return seed
  throw new CommandError('--seed must be a whole number from 0 to 2147483647.')
}
