import { readFileSync } from 'node:fs'
import { GUARANTEES } from '../../core/guarantees.ts'
import { judgeRun } from '../history/judge-run.ts'
import type { Check } from '../results.ts'
import type { Stage } from '../run.ts'

interface BrokenLaw {
  readonly law: string
  readonly rows: string
  readonly witnesses: readonly unknown[]
}

const invariants = new URL('../../../database-tests/invariant-checks.sql', import.meta.url)

/** After all load: every law, the five invariant queries that load-test suites usually bring, and what callers were told against what is there. */
export const judgementStage: Stage = {
  name: 'judgement',
  title: 'Judgement',
  level: 1,
  work: async (run, report, leaveOut) => {
    const { client } = run.databases.main
    report('every law, row by row')
    const broken = (
      await client.query<BrokenLaw>('select law, rows, witnesses from ticketing.broken_laws(5)')
    ).rows
    run.laws = broken.map((row) => ({ ...row, rows: Number(row.rows) }))
    const judged = (await client.query<{ law: string }>('select law from ticketing.laws')).rows
    const five = await client.query<{ invariant: string; broken: string }>(readFileSync(invariants, 'utf8'))
    report('what callers were told, against the ledger')
    const history = await judgeRun(run)
    history.leftOut.forEach(leaveOut)
    return [
      ...GUARANTEES.flatMap((guarantee) => guarantee.laws).map((law) =>
        judged.some((row) => row.law === law)
          ? lawCheck(
              law,
              run.laws.find((row) => row.law === law),
            )
          : unjudged(law),
      ),
      ...five.rows.map(
        ({ invariant, broken: rows }): Check => ({
          name: invariant,
          verdict: Number(rows) === 0 ? 'PASS' : 'FAIL',
          detail: `${rows} rows break it`,
          ...(Number(rows) === 0
            ? {}
            : { reproduce: 'psql "$DATABASE_URL" -f database-tests/invariant-checks.sql' }),
        }),
      ),
      ...history.checks,
    ]
  },
}

/** A law that the database does not evaluate shows no broken row either, so it is a FAIL. */
function unjudged(law: string): Check {
  return {
    name: `law ${law}`,
    verdict: 'FAIL',
    detail: 'the database does not judge it: it is not in ticketing.laws',
  }
}

function lawCheck(law: string, broken: { rows: number; witnesses: readonly unknown[] } | undefined): Check {
  return broken === undefined
    ? { name: `law ${law}`, verdict: 'PASS', detail: 'no row breaks it' }
    : {
        name: `law ${law}`,
        verdict: 'FAIL',
        detail: `${broken.rows} rows break it`,
        witness: broken.witnesses[0],
        reproduce: `select * from ticketing.law_${law}`,
      }
}
