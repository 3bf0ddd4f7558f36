import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import { Counter, Gauge } from 'k6/metrics'
import { step } from './steps.ts'

interface Seat {
  readonly row: string
}

const made = new Counter('arrays_made')
const highest = new Gauge('highest_iteration')
const seats = new SharedArray<Seat>('seats', () => JSON.parse(open('./seats.json')))
let own = 0

export const options = {
  scenarios: {
    first: { executor: 'per-vu-iterations', vus: 3, iterations: 4 },
    second: { executor: 'per-vu-iterations', vus: 2, iterations: 1, exec: 'second' },
  },
  thresholds: {
    checks: ['rate==1'],
    arrays_made: ['count==14'],
    'arrays_made{seat:B}': ['count==6'],
    highest_iteration: ['value>=0', 'value<12'],
  },
}

export default async function (): Promise<void> {
  own += 1
  const before = own
  await new Promise<void>((done) => {
    setTimeout(done, 5)
  })
  const seat = seats[exec.scenario.iterationInTest % seats.length]?.row ?? ''
  made.add(1, { seat })
  highest.add(exec.scenario.iterationInTest)
  check(null, {
    'its module is its own': () => own === before && own === __ITER + 1,
    'its helpers are its own': () => step() === own,
    'counts in its scenario': () => exec.vu.iterationInScenario === __ITER,
    'nobody can write to shared data': () => {
      try {
        ;(seats as unknown as Seat[])[0] = { row: 'Z' }
      } catch {
        // k6 and the built-in runner both refuse, in their own ways.
      }
      return seats[0]?.row === 'A'
    },
  })
}

export function second(): void {
  made.add(1)
}
