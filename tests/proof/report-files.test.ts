import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { badgeSvg } from '../../src/proof/report/badge.ts'
import { junitXml } from '../../src/proof/report/junit.ts'
import { EXAMPLES, FAILING, PASSING, UNCERTAIN } from './report-examples.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-report-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** What Python's parser of XML reads: tags with their attributes, and the text of failures. */
function read(
  xml: string,
): readonly (readonly [tag: string, attributes: Readonly<Record<string, string>>])[] {
  const file = join(folder, 'file.xml')
  writeFileSync(file, xml)
  const script =
    'import json, sys, xml.etree.ElementTree as E\nprint(json.dumps([[e.tag, e.attrib] for e in E.parse(sys.argv[1]).iter()]))'
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, file], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const noPython = spawnSync('python3', ['--version']).status === 0 ? false : 'no python3 to read XML with'

describe('junit.xml', { skip: noPython }, () => {
  for (const [name, results] of Object.entries(EXAMPLES)) {
    it(`${name}: has a case for each check, and the verdict of each`, () => {
      const all = read(junitXml(results))
      const count = (tag: string) => all.filter(([of]) => of === tag).length
      const checks = results.stages.flatMap((stage) => stage.checks)
      const of = (verdict: string) => checks.filter((check) => check.verdict === verdict).length
      const stages = results.stages.filter(({ verdict }) => verdict === 'SKIPPED').length
      const skipped = stages + results.stages.flatMap(({ leftOut = [] }) => leftOut).length
      assert.deepEqual(
        [count('testsuite'), count('testcase'), count('failure'), count('error'), count('skipped')],
        [results.stages.length, checks.length + skipped, of('FAIL'), of('INCONCLUSIVE'), skipped],
      )
      const sums = (attribute: string) =>
        all.reduce((sum, [tag, its]) => sum + (tag === 'testsuite' ? Number(its[attribute]) : 0), 0)
      assert.deepEqual(
        [sums('tests'), sums('failures'), sums('errors'), sums('skipped')],
        [count('testcase'), of('FAIL'), of('INCONCLUSIVE'), skipped],
      )
    })
  }

  it('names what was left out, and why', () => {
    const all = read(junitXml(PASSING))
    const at = all.findIndex(([tag, { name }]) => tag === 'testcase' && name === 'dashboard-load')
    assert.deepEqual(all[at + 1], ['skipped', { message: 'the database gives no changes' }])
  })

  it('keeps what a check saw as text, whatever it is', () => {
    const [first] = FAILING.stages
      .flatMap((stage) => stage.checks)
      .filter(({ verdict }) => verdict === 'FAIL')
    const failure = read(junitXml(FAILING)).find(([tag]) => tag === 'failure')
    assert.equal(failure?.[1]['message'], first?.detail)
  })
})

describe('badge.svg', () => {
  for (const results of [PASSING, FAILING, UNCERTAIN]) {
    it(`says ${results.verdict}, and how many guarantees were shown`, () => {
      const shown = results.guarantees.filter(({ verdict }) => verdict === 'PASS').length
      assert.match(
        badgeSvg(results),
        new RegExp(`<text [^>]*>${results.verdict} ${shown}/${results.guarantees.length}</text>`),
      )
    })
  }
})
