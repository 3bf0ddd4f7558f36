import { readdirSync, readFileSync } from 'node:fs'
import type { Stage } from '../proof.ts'
import type { Check } from '../results.ts'

const folder = new URL('../../../database-tests/functional/', import.meta.url)

/** The SQL stories that one session can tell: each raises where something is wrong, and leaves nothing behind. */
export const functionalStage: Stage = {
  name: 'functional',
  title: 'Functional SQL',
  work: async (run, note) => {
    const checks: Check[] = []
    // A server or a role can have them switched off, and every story would come true.
    await run.workbench.main.client.query('set plpgsql.check_asserts = on')
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()) {
      const sql = readFileSync(new URL(file, folder), 'utf8')
      const story = sql.slice('-- '.length, sql.indexOf('\n'))
      note(story)
      run.signal.throwIfAborted()
      checks.push(await tell(run.workbench.main.client, sql, story, `database-tests/functional/${file}`))
    }
    return checks
  },
}

async function tell(
  client: { query(sql: string): Promise<unknown> },
  sql: string,
  story: string,
  file: string,
): Promise<Check> {
  try {
    await client.query(sql)
    return { name: story, verdict: 'PASS', detail: file }
  } catch (error) {
    await client.query('rollback')
    const detail = error instanceof Error ? error.message : String(error)
    return {
      name: story,
      verdict: 'FAIL',
      detail,
      reproduce: `psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f ${file}`,
    }
  }
}
