import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CodeSigner } from '../../src/api/code-signer.ts'
import { readShown } from '../../src/core/shown-code.ts'
import { TICKET_TOKENS_MAX } from '../../src/proof/fixtures/flags.ts'
import { PROFILES } from '../../src/proof/profiles.ts'
import { scannerStress } from '../../src/proof/scenarios/scanner-stress.ts'
import {
  changed,
  checkNamed,
  openTestRun,
  runStages,
  type TestRunOptions,
  withoutRefusals,
} from './support.ts'

const SCENARIOS = ['scanner-burst', 'scanner-stress', 'offline-gates'] as const

for (const name of SCENARIOS)
  test(`${name} is a PASS, and everything that must happen does`, async () => {
    const run = await openTestRun({ only: [name] })
    const http = await runStages(run, 'http')
    assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
    const judgement = await runStages(run, 'judgement')
    assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
  })

/** As a server reads codes that looks at no signature. */
const believing = (codes: CodeSigner): CodeSigner => ({
  ...codes,
  read: (shown) => {
    const read = typeof shown === 'string' ? readShown(shown) : shown
    const token = read.kind === 'plain' ? undefined : read.token
    return token === undefined ? codes.read(shown) : { ok: true, ...token }
  },
})

/** As a server reads codes that undoes no keyboard. */
const literal = (codes: CodeSigner): CodeSigner => ({
  ...codes,
  read: (shown) => {
    const read = typeof shown === 'string' ? readShown(shown) : shown
    return codes.read(read.kind === 'plain' ? read : { ...read, mistyped: () => [] })
  },
})

const staff = 'if not v_caller.is_trusted and not ticketing.works_for('
const DOORS: readonly (readonly [what: string, wrong: TestRunOptions, kinds: readonly string[]])[] = [
  ['believes every signature', { codes: believing }, ['forged']],
  ['reads codes as a keyboard left them', { codes: literal }, ['on-azerty', 'on-qwertz']],
  [
    'takes a misread code for a forged one',
    {
      change: changed(
        'ticketing.validate_qr',
        "then 'UNREADABLE' else 'UNKNOWN' end",
        "then 'UNKNOWN' else 'UNKNOWN' end",
      ),
    },
    ['cut', 'nonsense'],
  ],
  [
    'takes the codes of a stolen key',
    { codes: believing, change: changed('ticketing.find_code', 'k.revoked_at is null', 'true') },
    ['by-a-revoked-key', 'forged'],
  ],
  [
    'takes a code for any event',
    { change: changed('ticketing.find_code', "if p_scan ->> 'scope' <> left", "if 'any' = left") },
    ['of-another-event'],
  ],
  [
    "takes the neighbour's tickets",
    { change: changed('ticketing.find_code', 'and e.business_id = p_business_id', '') },
    ['of-the-neighbour'],
  ],
  [
    'does not ask at which event it is',
    {
      change: changed(
        'ticketing.admit_ticket',
        'elsif p_gate_event_id <> v_scan.event_id then',
        'elsif false then',
      ),
    },
    ['of-tomorrow'],
  ],
  [
    'does not ask who scans',
    { change: changed('ticketing.validate_qr', staff, 'if false and not ticketing.works_for(') },
    ['to-a-stranger'],
  ],
  [
    'keeps no times',
    { change: changed('ticketing.admit_ticket', 'elsif p_keeps_times then', 'elsif false then') },
    ['of-a-cancelled-event', 'too-early', 'too-late'],
  ],
  [
    'lets tickets in whose money is on its way back',
    {
      change: changed(
        'ticketing.admit_ticket',
        "t.status = 'valid'\n",
        "t.status in ('valid', 'refunding')\n",
      ),
    },
    ['refunding'],
  ],
  [
    'lets parties in on any evening',
    {
      change: changed(
        'ticketing.check_in_booking',
        "when 'confirmed' then",
        "when 'confirmed' then 'ADMITTED' when '' then",
      ),
    },
    ['booking-too-early', 'booking-too-late'],
  ],
]

for (const [what, wrong, kinds] of DOORS)
  test(`a door that ${what} makes scanner-burst FAIL`, async () => {
    const http = await runStages(await openTestRun({ only: ['scanner-burst'], ...wrong }), 'http')
    const { verdict, detail } = checkNamed(http, 'every threshold is met')
    assert.equal(verdict, 'FAIL')
    const broken = [...detail.matchAll(/codes_judged{what:(.*?)}/g)].map(([, kind]) => kind)
    assert.deepEqual(broken, kinds, detail)
    assert.equal(
      checkNamed(http, 'the log has every scan').verdict,
      what === 'does not ask who scans' ? 'PASS' : 'FAIL',
    )
  })

test('a refused scan that is in no log makes scanner-burst FAIL, with the code as witness', async () => {
  const change = changed(
    'ticketing.admit_party',
    "p_scan.scan_success := outcome = 'ADMITTED';",
    "p_scan.scan_success := outcome = 'ADMITTED' or outcome = 'CANCELLED' and p_scan.claim_id is not null;",
  )
  const http = await runStages(await openTestRun({ only: ['scanner-burst'], change }), 'http')
  assert.equal(checkNamed(http, 'every threshold is met').verdict, 'PASS')
  const log = checkNamed(http, 'the log has every scan')
  assert.deepEqual(
    [log.verdict, (log.witness as { readonly what: string }).what],
    ['FAIL', 'claim-given-back'],
  )
})

test('without what refuses, tickets, claims and tables open two gates, and the laws say so', async () => {
  const run = await openTestRun({ only: ['scanner-burst'], change: withoutRefusals('admitted-once') })
  const { detail } = checkNamed(await runStages(run, 'http'), 'every threshold is met')
  assert.match(detail, /duplicate_entries count==0/)
  for (const kind of ['valid', 'typed', 'claim', 'booking'])
    assert.ok(detail.includes(`codes_judged{what:${kind}}`), detail)
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law admitted_once').verdict, 'FAIL')
  assert.equal(checkNamed(judgement, 'law party_admitted_once').verdict, 'FAIL')
})

test('one entry too many makes scanner-stress FAIL, with the ticket as witness', async () => {
  const run = await openTestRun({ only: ['scanner-stress'], change: withoutRefusals('admitted-once') })
  const http = await runStages(run, 'http')
  const entered = checkNamed(http, 'scanner-stress: all 45 tickets enter')
  assert.equal(entered.verdict, 'FAIL')
  const { entries, scans } = entered.witness as { readonly entries: number; readonly scans: unknown[] }
  assert.ok(entries > 1 && scans.length === entries, 'every scan that opened a gate is shown')
  assert.match(
    checkNamed(http, 'scanner-stress: every threshold').detail,
    /admitted count==35, .*duplicate_entries count==0, repeats_refused count==15/,
  )
  assert.equal(
    entered.reproduce,
    'npx admit-once prove scanner-stress --profile small --seed 1 --k6 off --pgbench off',
  )
})

test('scans that come faster than the machine can judge them are INCONCLUSIVE about the rate, no FAIL', async () => {
  const rush = { rate: 20_000, seconds: 1, tickets: 10 }
  const http = await runStages(await openTestRun({ only: ['scanner-stress'], profile: { rush } }), 'http')
  assert.deepEqual(
    http.checks.filter(({ verdict }) => verdict !== 'PASS').map(({ name, verdict }) => [name, verdict]),
    ['20000 scans a second at ten scanners', 'every threshold is met', 'the load generator kept up'].map(
      (name) => [`scanner-stress: ${name}`, 'INCONCLUSIVE'],
    ),
  )
})

test('every ticket of a profile reaches its scanners: one variable holds all codes', () => {
  for (const profile of Object.values(PROFILES)) {
    const { tickets = 0 } = scannerStress.fixture({ profile })
    assert.ok(tickets <= TICKET_TOKENS_MAX, `${profile.name}: ${tickets} of ${TICKET_TOKENS_MAX}`)
  }
})
