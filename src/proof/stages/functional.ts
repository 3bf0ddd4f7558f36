import { readdirSync, readFileSync } from 'node:fs'
import type { Check } from '../results.ts'
import type { Stage } from '../run.ts'

const folder = new URL('../../../database-tests/functional/', import.meta.url)

/** Functional SQL tests, one session each: a file raises where something is wrong, and leaves nothing behind. */
export const functionalStage: Stage = {
  name: 'functional',
  title: 'Functional SQL',
  level: 1,
  work: async (run, report) => {
    const checks: Check[] = []
    // A server or a role can have assertions switched off, and every file would pass.
    await run.databases.main.client.query('set plpgsql.check_asserts = on')
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()) {
      const sql = readFileSync(new URL(file, folder), 'utf8')
      const title = sql.slice('-- '.length, sql.indexOf('\n'))
      report(title)
      run.signal.throwIfAborted()
      checks.push(await runFile(run.databases.main.client, sql, title, `database-tests/functional/${file}`))
    }
    return checks
  },
}

async function runFile(
  client: { query(sql: string): Promise<unknown> },
  sql: string,
  title: string,
  file: string,
): Promise<Check> {
  try {
    await client.query(sql)
    return { name: title, verdict: 'PASS', detail: file }
  } catch (error) {
    await client.query('rollback')
    const detail = error instanceof Error ? error.message : String(error)
    return {
      name: title,
      verdict: 'FAIL',
      detail,
      reproduce: `psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f ${file}`,
    }
  }
}
