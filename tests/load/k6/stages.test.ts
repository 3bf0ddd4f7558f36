import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { describe, it } from 'node:test'
import { handleSummary } from '../../../src/load/k6/runner/handle-summary.ts'
import { summarize } from '../../../src/load/k6/runner/summary.ts'
import { createTest } from '../../../src/load/k6/runner/test.ts'

describe('handleSummary()', () => {
  it('that loops without end is given up, and said so', async (context) => {
    const script = join(import.meta.dirname, 'scripts', 'blocking', 'loops.js')
    const test = createTest(script, { PLACE: 'handleSummary' })
    test.mayBlock = true
    const { mock } = context.mock.method(process.stderr, 'write', () => true)
    await handleSummary(test, summarize(test, 1), 200)
    const said = mock.calls.map(({ arguments: [text] }) => String(text)).join('')
    assert.match(said, /failed to handle the end-of-test summary: .*handleSummary\(\) execution timed out/)
  })
})
