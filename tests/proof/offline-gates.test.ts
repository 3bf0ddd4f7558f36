import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, checkNamed, openTestRun, runStages } from './support.ts'

const SYNC = 'ticketing.sync_offline_scans'
const ADMIT = 'ticketing.admit_offline'
const BEFORE = 'ticketing.is_before'
const OWN = 'ticketing.own_scan'
const AGAIN = 'ticketing.is_told_again'
const WRITE = 'ticketing.write_offline_scan'

/** What is wrong with the merge, where, and which check or counter sees it. */
const MERGES: readonly (readonly [
  what: string,
  fn: string,
  fragment: string,
  instead: string,
  seen: string,
])[] = [
  [
    'lets the latest scan win',
    BEFORE,
    'p_scan.scanned_at) < (',
    'p_scan.scanned_at) > (',
    'earliest scan counts',
  ],
  [
    'lets the later of two at one instant win',
    BEFORE,
    'p_scan.scanned_at) < (',
    'p_scan.scanned_at) <= (',
    'ties_won',
  ],
  [
    'tells a loser its own time',
    ADMIT,
    'scanned_at := v_winner.scanned_at',
    'scanned_at := v_own.scanned_at',
    'scans_synced',
  ],
  [
    'forgets whom it beat',
    WRITE,
    "error_code = 'SUPERSEDED'",
    "error_code = 'ALREADY_USED'",
    'who was told so entered',
  ],
  [
    'sees a conflict everywhere',
    ADMIT,
    "conflict_resolved := outcome in ('ADMITTED', 'ALREADY_USED') and v_winner.id is not null",
    'conflict_resolved := true',
    'conflicts_resolved',
  ],
  [
    'sees no conflict',
    ADMIT,
    "conflict_resolved := outcome in ('ADMITTED', 'ALREADY_USED') and v_winner.id is not null",
    'conflict_resolved := false',
    'every entry too many',
  ],
  [
    'believes a clock that is weeks slow',
    'ticketing.is_only_claimed',
    'p_scan.clock_suspect and',
    'false and',
    'earliest scan counts',
  ],
  [
    'does not say that a clock is wrong',
    ADMIT,
    'clock_suspect := v_own.clock_suspect',
    'clock_suspect := false',
    'scans_synced',
  ],
  [
    'keeps nothing of a clock that is wrong',
    OWN,
    'v_own.clock_suspect := p_told.claimed_at is null or v_own.scanned_at <> p_told.claimed_at\n      or ticketing.is_claimed(p_told.claimed_at, p_ticket.created_at)',
    'v_own.clock_suspect := false',
    'clock that cannot be right',
  ],
  [
    "takes the neighbour's tickets",
    'ticketing.offline_refusal',
    'v_event.business_id <> p_business_id',
    'false',
    'strangers_refused',
  ],
  [
    'takes a scan that is sent again for another one',
    AGAIN,
    'p_kept.offline and',
    'false and',
    'answers_repeated',
  ],
  [
    'takes two gates for one',
    AGAIN,
    'and p_kept.device_id is not distinct from p_told.device_id',
    '',
    'ties_won',
  ],
  [
    'judges in the order of the list',
    SYNC,
    `order by coalesce(ticketing.is_claimed((s.told).claimed_at,
        (select t.created_at from public.tickets t where t.id = s.ticket_id)), false),
      coalesce((s.told).claimed_at, 'infinity'), s.place`,
    'order by s.place',
    'scans_synced',
  ],
  [
    'loses a scan of each batch',
    SYNC,
    '    v_results[v_scan.place] := ',
    "    if v_scan.place = 5 then v_results[5] := jsonb_build_object('ticket_id', v_scan.ticket_id, 'success', true, 'already_scanned', false, 'conflict_resolved', false, 'clock_suspect', false, 'disbelieved', '[]'::jsonb); continue; end if;\n    v_results[v_scan.place] := ",
    'answers_repeated',
  ],
  [
    'lets a gate speak for others',
    'ticketing.believed_scan',
    'ticketing.works_for(p_told.scanned_by, v_business_id) is not true',
    'false',
    'scans_synced',
  ],
  [
    'uses up a ticket of another event',
    ADMIT,
    'v_own.gate_event_id <> v_ticket.event_id',
    'false',
    'strangers_refused',
  ],
  [
    'drops a scan whose time it cannot read',
    'ticketing.read_scans',
    'names_nothing := v_text is null',
    "names_nothing := v_text is null or ticketing.read_time(v_scan ->> 'scanned_at') is null",
    'scans_synced',
  ],
  [
    'lets in who was refunded',
    ADMIT,
    "v_ticket.status not in ('valid', 'used')",
    "v_ticket.status = 'cancelled'",
    'scans_synced',
  ],
]

for (const [what, fn, fragment, instead, seen] of MERGES)
  test(`a merge that ${what} makes offline-gates FAIL`, async () => {
    const run = await openTestRun({ only: ['offline-gates'], change: changed(fn, fragment, instead) })
    const http = await runStages(run, 'http')
    const failed = http.checks.filter(({ verdict }) => verdict === 'FAIL')
    const failures = failed
      .map(({ name, detail }) => (name.includes('every threshold') ? detail : name))
      .join(', ')
    assert.ok(failures.includes(seen), failures)
  })

test('a double entry that nobody reports makes offline-gates FAIL', async () => {
  const run = await openTestRun({
    only: ['offline-gates'],
    change: changed('ticketing.double_admissions', 'not o.scan_success and', 'false and'),
  })
  const reported = checkNamed(await runStages(run, 'http'), 'offline-gates: every entry too many')
  assert.equal(reported.verdict, 'FAIL')
  assert.match(reported.detail, /, 0 doubles are reported,/)
})
