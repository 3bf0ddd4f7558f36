import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { GUARANTEES } from '../core/guarantees.ts'
import { runOnClient } from '../db/pool.ts'
import { LOGIN } from '../desk/callers.ts'
import { brokenLaws } from '../desk/protections.ts'
import { withInstalled } from './database.ts'

/** Rows of each broken law that are shown. */
const WITNESSES_MAX = 3

export const check = defineCommand({
  meta: {
    name: 'check',
    description: 'Does every law hold, now? Counts rows, trusts no counter; 1 where one is broken',
  },
  run: async () => {
    const broken = await withInstalled(
      readConfig(),
      (client) => brokenLaws(runOnClient(client), LOGIN, { witnesses: WITNESSES_MAX }),
      true,
    )
    for (const guarantee of GUARANTEES) {
      for (const law of guarantee.laws) {
        const found = broken.find((row) => row.law === law)
        const result =
          found === undefined ? 'holds' : `${found.rows} ${found.rows === 1 ? 'row breaks' : 'rows break'} it`
        console.log(
          `${found === undefined ? '✓' : '✗'} ${guarantee.name.padEnd(25)} ${law.padEnd(28)} ${result}`,
        )
        for (const witness of found?.witnesses ?? []) console.log(`    ${JSON.stringify(witness)}`)
      }
    }
    process.exitCode = broken.length === 0 ? 0 : 1
  },
})
