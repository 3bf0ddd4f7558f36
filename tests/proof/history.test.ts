import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { CHECKERS, judgeHistory } from '../../src/proof/history/checkers/index.ts'
import { type DatabaseHistory, openHistoryFile } from '../../src/proof/history/read.ts'
import { MAIN } from '../../src/proof/history/recorder.ts'
import { verdictOf } from '../../src/proof/history/text.ts'
import type { StageResult } from '../../src/proof/results.ts'
import { MUTATIONS, withUnknown } from './history-mutations.ts'
import { PARTY_MUTATIONS } from './history-party-mutations.ts'
import { openTestRun, runStages } from './support.ts'

const SCENARIOS = ['concurrent-checkout', 'scanner-stress', 'offline-gates', 'offer-rush', 'slot-rush']

describe('the history of a run', () => {
  let judgement: StageResult
  let sound: DatabaseHistory

  before(async () => {
    const run = await openTestRun({ only: [...SCENARIOS] })
    judgement = await runStages(run, 'http', 'judgement')
    sound = withUnknown(await (await openHistoryFile(run.history.file)).read(MAIN))
  })

  it('is judged with the laws, and what it has nothing of is named', () => {
    assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
    const seen = judgement.checks.filter(({ name }) => name.startsWith('history: '))
    assert.equal(seen.length, CHECKERS.length - 1)
    assert.deepEqual(judgement.leftOut, [
      { name: 'history unknown-resolved', why: 'the history has no unknown outcomes' },
    ])
  })

  it('has what every buyer and scanner was told, and every place that was taken', () => {
    const count = (wanted: string) =>
      sound.operations.filter(({ operation, outcome }) => `${operation} ${outcome}` === wanted).length
    assert.equal(count('checkout ok') + count('checkout unknown'), 50)
    assert.equal(count('checkout refused'), 10)
    assert.ok(count('scan ok') >= 35 && count('scan refused') >= 15)
    assert.ok(count('claim ok') >= 25 && count('claim refused') >= 40 && count('release ok') > 0)
    assert.ok(count('book ok') >= 20 && count('book refused') > 0 && count('cancel ok') > 0)
    for (const counter of ['tier', 'offer', 'slot'] as const)
      assert.ok(sound.operations.some(({ operation, asked }) => operation === 'watch' && asked[counter]))
    assert.ok(
      sound.operations.every(
        ({ intended, call, return: returned }) => intended <= call && call <= (returned ?? call),
      ),
    )
    const rush = sound.operations.filter(
      ({ operation, intended, call }) => operation === 'scan' && intended < call,
    )
    assert.ok(rush.length > 0, 'what an arrival rate starts late was meant to start before')
  })

  it('is sound: every checker says PASS, after it has looked at something', () => {
    assert.deepEqual(failing(sound), [])
    assert.equal(verdictOf(judgeHistory([sound])), 'PASS')
  })

  for (const { what, mutate, by, also = [], perhaps = [], verdict = 'FAIL', witness } of [
    ...MUTATIONS,
    ...PARTY_MUTATIONS,
  ]) {
    it(`${what}: ${verdict} by ${by}, with what shows it`, () => {
      const results = judgeHistory([mutate(sound)])
      assert.equal(verdictOf(results), verdict)
      const seen = failing(mutate(sound)).filter((name) => !perhaps.includes(name))
      assert.deepEqual(seen.toSorted(), [by, ...also].toSorted())
      const found = results.find(({ checker }) => checker.name === by)
      assert.match(JSON.stringify(found?.witness), witness)
    })
  }

  it('has a mutation for every checker', () => {
    assert.deepEqual(
      [...new Set(MUTATIONS.map(({ by }) => by))],
      CHECKERS.map(({ name }) => name),
    )
  })

  it('without operations shows nothing: no checker passes', () => {
    const results = judgeHistory([{ operations: [], rows: [] }])
    assert.deepEqual([...new Set(results.map(({ verdict }) => verdict))], ['NOT APPLICABLE'])
    assert.equal(verdictOf(results), 'INCONCLUSIVE')
  })
})

function failing(history: DatabaseHistory): readonly string[] {
  return judgeHistory([history])
    .filter(({ verdict }) => verdict !== 'PASS')
    .map(({ checker }) => checker.name)
}
