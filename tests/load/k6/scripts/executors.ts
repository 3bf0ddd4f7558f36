import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import type { Scenario } from 'k6/options'

const scenarios: Record<string, Scenario> = {
  'shared-iterations': { executor: 'shared-iterations', vus: 3, iterations: 10 },
  'per-vu-iterations': { executor: 'per-vu-iterations', vus: 3, iterations: 4 },
  'constant-vus': { executor: 'constant-vus', vus: 2, duration: '1s' },
  'ramping-vus': {
    executor: 'ramping-vus',
    startVUs: 1,
    stages: [{ duration: '1s', target: 3 }],
    gracefulRampDown: '0s',
  },
  'constant-arrival-rate': {
    executor: 'constant-arrival-rate',
    rate: 10,
    duration: '1s',
    preAllocatedVUs: 5,
  },
  'ramping-arrival-rate': {
    executor: 'ramping-arrival-rate',
    startRate: 10,
    stages: [{ duration: '1s', target: 30 }],
    preAllocatedVUs: 1,
    maxVUs: 4,
  },
}

const chosen = scenarios[__ENV['EXECUTOR'] ?? '']
if (chosen === undefined) throw new Error('EXECUTOR must name an executor')

export const options = {
  scenarios: { chosen: { ...chosen, exec: 'visit', env: { ROOM: 'hall' }, tags: { room: 'hall' } } },
  thresholds: { 'http_reqs{scenario:chosen,room:hall}': ['count>0'], checks: ['rate==1'] },
}

export async function visit(): Promise<void> {
  const response = await http.asyncRequest('GET', `${__ENV['BASE_URL']}/slow/50`)
  check(response, {
    answered: ({ status }) => status === 200,
    'knows its scenario': () => exec.scenario.name === 'chosen' && __ENV['ROOM'] === 'hall',
    'knows itself': () => exec.vu.idInTest === __VU && exec.vu.iterationInInstance === __ITER,
  })
}
