import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { REFUSALS, TIER_PRECEDENCE } from '../../src/core/refusals.ts'
import { SCAN_OUTCOMES } from '../../src/core/scan-outcomes.ts'
import { testDatabase } from '../support/database.ts'

/** What becomes of an event of the payment provider, or of a payment: kept in tables, and no refusal of a caller. */
const PAYMENT_OUTCOMES = [
  'OWED',
  'EVENT_OVER',
  ...['RECEIVED', 'IGNORED', 'UNMATCHED', 'NO_CHANGE', 'ISSUED', 'ALREADY_ISSUED', 'RETURNED', 'EXPIRED'],
  ...['AWAITING_PAYMENT', 'PENDING', 'REFUNDED', 'REFUND_FAILED', 'ASKED'],
  ...['DISPUTED', 'DISPUTE_WON', 'DISPUTE_LOST'],
  // Why a payment goes back.
  ...['SECOND_PAYMENT', 'AMOUNT_MISMATCH', 'EVENT_CANCELLED', 'TOO_LATE'],
]

/** Words of SQL itself, and the marks of a scan that another one overtook and of a row that undoes one. */
const OTHER_WORDS = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'SUPERSEDED', 'UNDO']

const db = await testDatabase()
const functions = await db.rows<{ name: string; source: string }>(
  `select p.oid::regprocedure::text as name, p.prosrc as source from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'ticketing'::regnamespace)`,
)

/** The codes in a source, whose comments do not count: 'IN_QUOTES', or as a value of JSON. */
function codesIn(source: string): string[] {
  const code = source.replaceAll(/--.*$/gm, '')
  return [...code.matchAll(/['"]([A-Z][A-Z_]{3,})['"]/g)].map(([, word = '']) => word)
}

/** What SQL writes, its generated registries aside. */
const answered = new Set(
  functions
    .filter(({ name }) => !/\.(refusal_message|scan_message|refusal_rank|charge_)/.test(name))
    .flatMap(({ source }) => codesIn(source)),
)

describe('the codes of refusals', () => {
  it('stand in the registry, whatever SQL answers with', () => {
    const known = new Set<string>([
      ...Object.keys(REFUSALS),
      ...SCAN_OUTCOMES,
      ...PAYMENT_OUTCOMES,
      ...OTHER_WORDS,
    ])
    assert.ok(answered.size > 60)
    assert.deepEqual(
      [...answered].filter((code) => !known.has(code)),
      [],
    )
  })

  it('are refused with as they stand in the registry and in no other list', async () => {
    const refused = functions.flatMap(({ source }) =>
      [...source.matchAll(/refused(?:_cart)?\('(\w+)'|refusal := '(\w+)'/g)].map(
        (it) => it[1] ?? it[2] ?? '',
      ),
    )
    assert.ok(refused.length > 60)
    assert.deepEqual(
      refused.filter((code) => !Object.hasOwn(REFUSALS, code)),
      [],
    )
  })

  it('are all used, by SQL or by the server', () => {
    const server = new Set(
      globSync(['src/{api,db,payments,jobs,cli}/**/*.ts', 'src/core/database-conditions.ts']).flatMap(
        (file) => codesIn(readFileSync(file, 'utf8')),
      ),
    )
    const unused = [...Object.keys(REFUSALS), ...PAYMENT_OUTCOMES].filter(
      (code) => !answered.has(code) && !server.has(code),
    )
    assert.deepEqual(unused, [])
  })

  it('have one text each, in SQL as in the registry', async () => {
    for (const [code, entry] of Object.entries(REFUSALS)) {
      const atGate = 'gateMessage' in entry ? entry.gateMessage : entry.message
      const texts = await db.rows(
        'select ticketing.refusal_message($1) as message, ticketing.scan_message($1) as at_gate',
        [code],
      )
      assert.deepEqual(texts, [{ message: entry.message, at_gate: atGate }], code)
    }
    assert.equal(await db.value('select ticketing.refusal_message($1)', ['NO_SUCH_CODE']), null)
  })

  it('of a tier are told in the documented precedence, and no other code has a rank', async () => {
    const ranks = await db.rows<{ code: string }>(
      'select code from unnest($1::text[]) code where ticketing.refusal_rank(code) is not null order by ticketing.refusal_rank(code)',
      [Object.keys(REFUSALS).toReversed()],
    )
    assert.deepEqual(
      ranks.map(({ code }) => code),
      TIER_PRECEDENCE,
    )
    assert.deepEqual(TIER_PRECEDENCE, [
      ...[
        'TIER_NOT_FOUND',
        'SEVERAL_BUSINESSES',
        'TIER_INACTIVE',
        'EVENT_ENDED',
        'SALE_NOT_OPEN',
        'FORBIDDEN',
      ],
      ...['PERSON_REQUIRED', 'LIMIT_EXCEEDED', 'INSUFFICIENT_TICKETS'],
    ])
  })
})

describe('the outcomes of a scan', () => {
  it('are what the header of validate_qr promises and the scanner guide lists, in one order', () => {
    const header = functionFile('validate_qr').split('\ncreate')[0] ?? ''
    const promised = header.slice(header.indexOf('outcome is the first'), header.indexOf('-- Locks'))
    assert.deepEqual([...new Set(promised.match(/\b[A-Z][A-Z_]{3,}\b/g))], SCAN_OUTCOMES)
    const guide = readFileSync('docs/scanner.md', 'utf8')
    const table = guide.slice(guide.indexOf('| `outcome` |'), guide.indexOf('`qrType` is'))
    assert.deepEqual(table.match(/\b[A-Z][A-Z_]{3,}\b/g)?.toSorted(), SCAN_OUTCOMES.toSorted())
  })
})

function functionFile(name: string): string {
  const [path] = globSync(`sql/verbs/${name}.sql`)
  assert.ok(path, `no file of ${name}`)
  return readFileSync(path, 'utf8')
}
