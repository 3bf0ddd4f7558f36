import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addSample, createMetrics } from '../../../src/load/k6/runner/metrics.ts'
import { defineThresholds, judge, parseThreshold } from '../../../src/load/k6/runner/thresholds.ts'

const forms: readonly (readonly [source: string, statistic: string, operator: string, value: number])[] = [
  ['count>5', 'count', '>', 5],
  ['rate<0.01', 'rate', '<', 0.01],
  ['value>=10', 'value', '>=', 10],
  ['avg<=200', 'avg', '<=', 200],
  ['min==1', 'min', '==', 1],
  ['max===2.5', 'max', '===', 2.5],
  ['med!=0', 'med', '!=', 0],
  ['p(95)<500', 'p(95)', '<', 500],
  ['p(99.9) <= 1e3', 'p(99.9)', '<=', 1000],
  ['  count   ==   0  ', 'count', '==', 0],
]

const malformed = [
  '',
  'count',
  'count>',
  '>5',
  'count=5',
  'count>five',
  'mean<5',
  'p<5',
  'p(x)<5',
  'p(101)<5',
  'p(-1)<5',
  'count>5 and more',
]

describe('a threshold', () => {
  for (const [source, statistic, operator, value] of forms) {
    it(`reads ${JSON.stringify(source)}`, () => {
      assert.deepEqual(parseThreshold(source), { source, statistic, operator, value })
    })
  }

  for (const source of malformed) {
    it(`refuses ${JSON.stringify(source)}`, () => {
      assert.throws(() => parseThreshold(source), { exitCode: 104 })
    })
  }

  const verdicts: readonly (readonly [threshold: string, ok: boolean])[] = [
    ['p(50)<2.4', false],
    ['p(50)<=2.5', true],
    ['max>4', false],
    ['avg===2.5', true],
    ['min!=1', false],
    ['med>=2.5', true],
  ]
  for (const [threshold, ok] of verdicts) {
    it(`${threshold} is ${ok ? 'met' : 'broken'} by 1, 2, 3 and 4`, () => {
      const metrics = createMetrics()
      const waits = metrics.define('waits', 'trend')
      defineThresholds(metrics, { waits: [threshold] })
      for (const value of [4, 1, 3, 2]) addSample(waits, value, {})
      assert.deepEqual(judge(metrics, 1000, true).breached, ok ? [] : ['waits'])
    })
  }

  it('on tags counts only the samples that carry them', () => {
    const metrics = createMetrics()
    const sales = metrics.define('sales', 'counter')
    defineThresholds(metrics, { 'sales{tier:VIP, hall: "1"}': ['count==2'] })
    for (const tags of [
      { tier: 'VIP', hall: '1' },
      { tier: 'VIP', hall: '2' },
      { tier: 'VIP', hall: '1', row: 'A' },
      {},
    ]) {
      addSample(sales, 1, tags)
    }
    assert.deepEqual(judge(metrics, 1000, true).breached, [])
  })

  it('aborts after its delay, and only once there is something to judge', () => {
    const metrics = createMetrics()
    const bad = metrics.define('bad', 'counter')
    defineThresholds(metrics, { bad: [{ threshold: 'count<1', abortOnFail: true, delayAbortEval: '5s' }] })
    assert.deepEqual(judge(metrics, 9000, false), { breached: [], abort: false })
    addSample(bad, 1, {})
    assert.deepEqual(judge(metrics, 4000, false), { breached: ['bad'], abort: false })
    assert.deepEqual(judge(metrics, 6000, false), { breached: ['bad'], abort: true })
  })

  it('on a metric that does not exist, or in a way it cannot be measured, is refused', () => {
    const metrics = createMetrics()
    assert.throws(() => defineThresholds(metrics, { nobody: ['count>0'] }), /no metric of that name/)
    assert.throws(() => defineThresholds(metrics, { checks: ['count>0'] }), /'checks' is a rate/)
    assert.throws(
      () => defineThresholds(metrics, { checks: [{ threshold: 'rate>0', abort: true }] }),
      /unknown field 'abort'/,
    )
  })
})
