import { basename } from 'node:path'
import { answerTimeChecks, answerTimesOf } from '../health/answer-times.ts'
import { readCapacity } from '../health/capacity.ts'
import { errorRateChecks, errorRatesOf } from '../health/error-rates.ts'
import { readDeadlocks, readStatements, readTables } from '../health/final.ts'
import {
  databaseChecks,
  deadlockCheck,
  generatorChecks,
  statementsCheck,
  tableCheck,
} from '../health/rules.ts'
import type { ServerFigures } from '../health/server.ts'
import type { Health } from '../measures.ts'
import type { Check } from '../results.ts'
import type { Run, Stage } from '../run.ts'

/** After the load, what it was like: whether database and generator were healthy, how fast answers were, and what errors there were. */
export const healthStage: Stage = {
  name: 'health',
  title: 'Health under load',
  level: 2,
  skip: (run) => (run.scenarios.some(({ health }) => health) ? undefined : 'no load ran that was watched'),
  work: async (run, report) => {
    report('what database, server and generator said of themselves')
    const { client } = run.databases.main
    const servers = [...run.servers.values()]
    const deadlocks = await readDeadlocks(client)
    const tables = await readTables(client)
    const statements = await readStatements(client)
    const errorRates = errorRatesOf(servers, run.scenarios)
    const answerTimes = answerTimesOf(run.scenarios, run.profile.patience)
    run.measures = {
      health: {
        deadlocks,
        tables: [...tables],
        statements: statements && [...statements],
        server: serverOf(servers),
      },
      capacity: [...(await readCapacity(client, slugsOf(run)))],
      errorRates: [...errorRates],
      answerTimes: [...answerTimes],
    }
    const { patience } = run.profile
    return [
      ...databaseChecks(run.scenarios, patience),
      deadlockCheck(run.scenarios, deadlocks),
      statementsCheck(statements, patience),
      tableCheck(tables),
      ...generatorChecks(run.scenarios, run.environment?.cores ?? 1),
      ...errorRateChecks(errorRates),
      ...answerTimeChecks(answerTimes),
    ].map((check): Check => (check.verdict === 'PASS' ? check : { reproduce: run.run.command, ...check }))
  },
}

/** Events of the main database by what was done to them; each has the name of its scenario's script. */
function slugsOf({ scenarios }: Run): { readonly soldOut: string[]; readonly overHttp: string[] } {
  const watched = scenarios.filter(({ health }) => health !== undefined)
  const soldOut = watched.filter(({ outcomes }) => (outcomes['INSUFFICIENT_TICKETS'] ?? 0) > 0)
  const scripts = watched.flatMap(({ file }) => file.split(', ')).filter((file) => file.endsWith('.ts'))
  return { soldOut: soldOut.map(({ name }) => name), overHttp: scripts.map((file) => basename(file, '.ts')) }
}

function serverOf(servers: readonly ServerFigures[]): Health['server'] {
  if (servers.length === 0) return null
  const sum = (figures: readonly Readonly<Record<string, number>>[]) => {
    const sums: Record<string, number> = {}
    for (const [key, times] of figures.flatMap((one) => Object.entries(one)))
      sums[key] = (sums[key] ?? 0) + times
    return sums
  }
  return {
    requests: servers.reduce((total, { requests }) => total + requests, 0),
    statuses: sum(servers.map(({ statuses }) => statuses)),
    codes: sum(servers.map(({ codes }) => codes)),
  }
}
