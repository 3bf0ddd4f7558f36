import { open, unlink, writeFile } from 'node:fs/promises'
import { benchPage } from '../bench/page/page.ts'
import type { Answer } from '../bench/page/question.ts'
import type { Question } from '../bench/question.ts'
import type { Result } from '../bench/result.ts'

interface OpenPage {
  /** Writes the page anew, with this answer too: what ends a run early leaves what came before. */
  add(question: Question, result: Result): Promise<void>
  /** Takes away a file that was made here and got no answer. */
  close(): Promise<void>
}

/** `--html`: opened before anything starts, so that a file that cannot be written is told at once; what stands in it stays until there is an answer. */
export async function openBenchPage(
  file: string,
  questions: readonly Question[],
  earlier: Result | undefined,
): Promise<OpenPage> {
  const startedAt = new Date()
  const isNew = await touch(file)
  const command = commandOf(process.argv.slice(2))
  let answers: readonly Answer[] = []
  return {
    add: async (question, result) => {
      answers = [...answers, { question, result, earlier }]
      const [first, ...others] = answers
      if (first === undefined) return
      const page = benchPage({
        startedAt: startedAt.toISOString(),
        durationMs: Date.now() - startedAt.getTime(),
        command,
        answers: [first, ...others],
        unanswered: questions.slice(answers.length),
      })
      await writeFile(file, page)
    },
    close: async () => {
      if (isNew && answers.length === 0) await unlink(file)
    },
  }
}

/** Whether it made the file; one that is there is opened for writing and left as it is. */
async function touch(file: string): Promise<boolean> {
  try {
    await (await open(file, 'ax')).close()
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    await (await open(file, 'r+')).close()
    return false
  }
}

/** As a shell takes it. */
function commandOf(words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w./:=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  )
  return `npx admit-once ${quoted.join(' ')}`
}
