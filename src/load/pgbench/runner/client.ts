import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, DatabaseError, type QueryArrayResult } from 'pg'
import { type Random, randomFrom } from '../../../core/random.ts'
import type { Scope } from './expression.ts'
import type { SqlStep, Step } from './script.ts'
import { countFailure, countTime, type StatementTimes } from './statement-times.ts'
import { isTrue, isVariableName, ScriptError, type Variables, variableText } from './variables.ts'

/** One client: a connection, variables and random numbers of its own. */
export interface ScriptClient {
  readonly id: number
  readonly connection: Client
  readonly variables: Variables
  /** Seeds of its transactions. */
  readonly seeds: Random
}

/** When a client stops; `Infinity` means never. `endsAtMs` is on the clock of `performance.now()`. */
export interface Limits {
  readonly transactions: number
  readonly endsAtMs: number
  readonly tries: number
}

type Failure = 'serialization' | 'deadlock'

/** One transaction of one client, all its tries included. */
export interface Outcome {
  readonly client: number
  readonly transaction: number
  readonly tries: number
  readonly latencyMs: number
  readonly failure: Failure | undefined
  /** Its place among the scripts. */
  readonly script: number
}

/** A script, how often it is chosen beside the others, and how long its statements took so far. */
export interface Script {
  readonly weight: number
  readonly steps: readonly Step[]
  readonly times: StatementTimes
}

/** Runs the script again and again until a limit is reached. Rejects where pgbench would end the client. */
export async function runClient(
  client: ScriptClient,
  scripts: readonly Script[],
  limits: Limits,
  report: (outcome: Outcome) => void,
): Promise<void> {
  for (let count = 1; count <= limits.transactions && performance.now() < limits.endsAtMs; count++) {
    const script = chooseScript(client, scripts)
    const startedMs = performance.now()
    const outcome = await runTransaction(client, script, limits)
    if (outcome === undefined) return
    const latencyMs = performance.now() - startedMs
    report({
      ...{ client: client.id, transaction: count, script: scripts.indexOf(script), latencyMs },
      ...outcome,
    })
    if (client.connection.getTransactionStatus() !== 'I') {
      throw new ScriptError('end of script reached without completing the last transaction')
    }
  }
}

/** Each transaction is one script's, chosen by weight. */
function chooseScript({ seeds }: ScriptClient, scripts: readonly Script[]): Script {
  // One script draws no number: a seed gives it the same ones whether it has a weight or not.
  let left = scripts.length === 1 ? 0 : seeds.below(scripts.reduce((sum, { weight }) => sum + weight, 0))
  for (const script of scripts) {
    if (left < script.weight) return script
    left -= script.weight
  }
  throw new Error('no script has a weight')
}

/**
 * Retry: as in pgbench, every try draws the same random numbers, variables keep what the failed try gave them, and
 * a try that fails after time is up is not counted: then the answer is undefined.
 */
async function runTransaction(
  client: ScriptClient,
  script: Script,
  limits: Limits,
): Promise<Pick<Outcome, 'tries' | 'failure'> | undefined> {
  const seed = client.seeds.below(SEEDS)
  for (let tries = 1; ; tries++) {
    const { times } = script
    const attempt: Try = { ...client, random: randomFrom(seed), times, at: undefined }
    const failure = await tryOnce(attempt, script.steps)
    if (failure === undefined) return { tries, failure }
    if (performance.now() >= limits.endsAtMs) return undefined
    const isOver = tries >= limits.tries
    countFailure(times, attempt.at, isOver)
    if (isOver) return { tries, failure }
  }
}

/** One try of a transaction. */
type Try = ScriptClient &
  Scope & {
    readonly times: StatementTimes
    /** The statement under way. */
    at: SqlStep | undefined
  }

/** How many seeds there are. */
export const SEEDS = 2 ** 32

const RETRYABLE: ReadonlyMap<string | undefined, Failure> = new Map([
  ['40001', 'serialization'],
  ['40P01', 'deadlock'],
])

async function tryOnce(client: Try, steps: readonly Step[]): Promise<Failure | undefined> {
  try {
    await runSteps(client, steps)
    return undefined
  } catch (error) {
    const failure = error instanceof DatabaseError ? RETRYABLE.get(error.code) : undefined
    if (failure === undefined) throw error
    await client.connection.query('rollback')
    return failure
  }
}

async function runSteps(client: Try, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    try {
      await runStep(client, step)
    } catch (error) {
      if (error instanceof Error && !/^line \d+: /.test(error.message)) {
        error.message = `line ${step.line}: ${error.message}`
      }
      throw error
    }
  }
}

async function runStep(client: Try, step: Step): Promise<void> {
  if (step.kind === 'sql') return measure(client, step)
  if (step.kind === 'sleep') return nap(client, step)
  if (step.kind === 'set') {
    client.variables.set(step.name, step.value(client))
    return
  }
  const taken = step.branches.find(({ condition }) => condition === undefined || isTrue(condition(client)))
  if (taken !== undefined) await runSteps(client, taken.steps)
}

async function measure(client: Try, step: SqlStep): Promise<void> {
  client.at = step
  const startedMs = performance.now()
  await runSql(client, step)
  countTime(client.times, step, performance.now() - startedMs)
}

async function runSql(client: Try, step: SqlStep): Promise<void> {
  const results = await client.connection.query({ text: substitute(client, step.text), rowMode: 'array' })
  if (step.gsetPrefix === undefined) return
  const last: QueryArrayResult<(string | null)[]> | undefined = [results].flat().at(-1)
  const row = last?.rows[0]
  if (last === undefined || row === undefined || last.rows.length !== 1) {
    throw new ScriptError(`\\gset expected one row, got ${last?.rows.length ?? 0}`)
  }
  last.fields.forEach((field, index) => {
    const name = step.gsetPrefix + field.name
    if (!isVariableName(name)) throw new ScriptError(`\\gset: invalid variable name "${name}"`)
    client.variables.set(name, row[index] ?? '')
  })
}

/** Variable substitution as in pgbench's simple protocol: text for text, inside quotes too; unknown names and `::casts` stay. */
function substitute({ variables }: Scope, sql: string): string {
  const reference = /(?<!:):([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)/g
  return sql.replace(reference, (whole, name: string) => variableText(variables, name) ?? whole)
}

async function nap({ variables }: Scope, step: Extract<Step, { kind: 'sleep' }>): Promise<void> {
  const amount = step.amount.startsWith(':') ? variableText(variables, step.amount.slice(1)) : step.amount
  const count = Number.parseInt(amount ?? '', 10)
  if (Number.isNaN(count)) throw new ScriptError(`\\sleep: no whole number in ${step.amount}`)
  await sleep(count * step.unitMs)
}
