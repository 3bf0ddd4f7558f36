import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { judgeFile } from '../proof/history/checkers/index.ts'
import { openHistoryFile } from '../proof/history/read.ts'
import { historyText, verdictOf } from '../proof/history/text.ts'
import { CommandError } from './failure.ts'
import { EXIT, isColored } from './verdict.ts'

export const proveCheck = defineCommand({
  meta: {
    name: 'prove check',
    description:
      "Judge a saved run's history.ndjson again; exit 0, 1 or 2 as prove, or 3 if it cannot be read",
  },
  args: {
    file: { type: 'positional', required: true, description: 'history.ndjson of a run' },
  },
  run: async ({ args }) => {
    if (args._.length > 1) throw new CommandError('Name one file: a history is judged by itself.')
    const history = await openHistoryFile(args.file)
    const results = await judgeFile(history)
    const options = { columns: process.stdout.columns ?? 80, color: isColored(readConfig()) }
    console.log(historyText(history, results, options))
    process.exitCode = EXIT[verdictOf(results)]
  },
})
