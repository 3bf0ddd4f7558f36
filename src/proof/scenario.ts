import type { Run } from './proof.ts'
import { type Check, type Verdict, worst } from './results.ts'

/** A scenario is what its checks are. */
export function verdictOf(checks: readonly Check[]): Verdict {
  return worst(checks.map((check) => check.verdict))
}

/** The server and the databases of a run are gone after it: what it saw is seen again in others. */
export function againOf({ profile, seed, engines }: Run, name: string): string {
  const off = [
    engines.http.name === 'built-in' ? ' --k6 off' : '',
    engines.database.name === 'built-in' ? ' --pgbench off' : '',
  ]
  return `npx admit-once prove ${name} --profile ${profile.name} --seed ${seed}${off.join('')}`
}
