import { FUNCTIONS, type Repetition, VERBS } from '../../src/client/operations.ts'
import { table } from './markdown.ts'

const WORDS: Readonly<Record<Repetition, string>> = {
  keyed: 'is asked again under its `Idempotency-Key`',
  safe: 'is asked again: twice is as good as once',
  unsafe: 'is not asked again, `outcome` is `unknown`',
}

/** What the client does where an answer was lost. */
export function repetitionTable(): string {
  const all = Object.entries({ ...FUNCTIONS, ...VERBS })
  const rows = Object.entries(WORDS).map(([repetition, words]) => [
    words,
    all
      .filter(([, facts]) => facts.repetition === repetition)
      .map(([name]) => `\`${name}\``)
      .join(', '),
  ])
  return table(['where its answer is lost', 'function or verb'], rows)
}
