import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { restStatuses } from '../../src/api/rest/errors.ts'

const page = readFileSync('docs/reference/rest.md', 'utf8')
/** Code and status of each row of the table of refusals. */
const rows = [...page.matchAll(/^\| (`[^|]+) \| ([\d, ]+)[^|]*\|/gm)].map(([, codes = '', status = '']) => ({
  codes: [...codes.matchAll(/`(\w+)`/g)].map(([, code = '']) => code),
  statuses: status.split(',').map(Number),
}))

test('every refusal of a trigger is in the table of what is refused', () => {
  const raised = globSync('sql/triggers/*.sql').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:raise exception |refuse_value\()'([A-Z_]{4,})\b[:']/g)].map(
      ([, code = '']) => code,
    ),
  )
  const listed = new Set(rows.flatMap(({ codes }) => codes))
  assert.ok(raised.length > 10)
  assert.deepEqual(
    raised.filter((code) => !listed.has(code)),
    [],
  )
})

test("PostgREST's codes in it have the statuses that are answered", () => {
  const known = rows.flatMap(({ codes, statuses }) =>
    codes.filter((code) => code.startsWith('PGRST')).map((code) => ({ code, statuses })),
  )
  assert.ok(known.length > 12)
  for (const { code, statuses } of known) {
    const status = restStatuses[code as keyof typeof restStatuses]
    assert.ok(statuses.includes(status), `${code}: ${status}, not ${statuses}`)
  }
})
