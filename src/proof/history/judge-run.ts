import { relative } from 'node:path'
import type { Check, LeftOut } from '../results.ts'
import type { Run } from '../run.ts'
import { connectOne } from '../run-databases.ts'
import { type CheckerResult, judgeFile } from './checkers/index.ts'
import { exportLedger } from './ledger.ts'
import { openHistoryFile } from './read.ts'
import { MAIN } from './recorder.ts'

/** Ends the run's history, reads it back from its file as anybody else would, and judges it. */
export async function judgeRun(
  run: Run,
): Promise<{ readonly checks: readonly Check[]; readonly leftOut: readonly LeftOut[] }> {
  await exportLedger(run.history, MAIN, () => connectOne(run.databases.main))
  if (!run.history.close()) return { checks: [], leftOut: [] }
  const results = await judgeFile(await openHistoryFile(run.history.file))
  const isWhole = run.level === 3 && run.only.length === 0
  const missing = isWhole ? [] : results.filter(({ verdict }) => verdict === 'NOT APPLICABLE')
  return {
    checks: results.filter((result) => !missing.includes(result)).map((result) => checkOf(run, result)),
    leftOut: missing.map(({ checker, detail }) => ({ name: `history ${checker.name}`, why: detail })),
  }
}

/** In a whole run something of every kind happens: what saw nothing has shown nothing. */
function checkOf(run: Run, { checker, verdict, detail, witness }: CheckerResult): Check {
  return {
    name: `history: ${checker.promise}`,
    verdict: verdict === 'NOT APPLICABLE' ? 'INCONCLUSIVE' : verdict,
    detail,
    ...(witness === undefined ? {} : { witness }),
    ...(verdict === 'PASS'
      ? {}
      : { reproduce: `npx admit-once prove check ${relative('.', run.history.file)}` }),
  }
}
