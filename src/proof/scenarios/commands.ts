import type { Run } from '../run.ts'
import { type Scenario, type SizedRun, scriptOf } from './scenario.ts'

/** The server and the databases of a run are gone after it: the command makes others. */
export function reproduceCommand(
  { profile, seed, engines }: SizedRun & Pick<Run, 'seed' | 'engines'>,
  name: string,
): string {
  const runs = profile.runs === undefined ? '' : ` --runs ${profile.runs}`
  const off = [
    engines.http.name === 'built-in' ? ' --k6 off' : '',
    engines.database.name === 'built-in' ? ' --pgbench off' : '',
  ]
  return `npx admit-once prove ${name} --profile ${profile.name}${runs} --seed ${seed}${off.join('')}`
}

/**
 * How to run a script by hand, in a checkout and against `admit-once start`, with this run's fixture, variables and engine. One
 * whose holds last seconds does that in a database of the proof only.
 */
export function commandByHand(run: Parameters<typeof reproduceCommand>[0], scenario: Scenario): string {
  if (scenario.isHurried) return reproduceCommand(run, scenario.name)
  const sizes = Object.entries(scenario.fixture(run)).map(([flag, size]) => ` --${flag} ${size}`)
  const env = Object.entries({ PATIENCE: run.profile.patience, ...scenario.env(run) })
  const k6 = run.engines.http.name === 'built-in' ? 'npx admit-once k6' : 'k6'
  return (
    `eval "$(npx admit-once fixtures ${scenario.name} --data load-tests/data${sizes.join('')})" && ` +
    `${env.map(([name, value]) => `${name}=${value}`).join(' ')} ${k6} run ${scriptOf(scenario)}`
  )
}
