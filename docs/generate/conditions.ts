import { DATABASE_CONDITIONS, type DatabaseCondition } from '../../src/core/database-conditions.ts'
import { refusalEntry } from '../../src/core/refusals.ts'
import { page, table } from './markdown.ts'

const UNREACHABLE = '`DATABASE_UNREACHABLE`'
const UNCONFIRMED = '`COMMIT_UNCONFIRMED`'
const GONE = `${UNREACHABLE}, or ${UNCONFIRMED}`
const TIMEOUT = '`DATABASE_TIMEOUT`'
const BUSY = '`DATABASE_BUSY`'

/** As tests/cli/faults.test.ts and tests/cli/pgbouncer-faults.test.ts report it; they compare all but the time. */
const MEASURED: readonly (readonly string[])[] = [
  ['one busy backend is killed', `${UNCONFIRMED}, or ${UNREACHABLE}`, '', '0.3 s'],
  ['the postmaster is killed, and started again', GONE, UNREACHABLE, '0.3 s'],
  ['PostgreSQL is stopped in order, and started again', GONE, UNREACHABLE, '0.3 s'],
  ['the proxy is gone, and comes again', GONE, UNREACHABLE, '0.3 s'],
  [
    'the database takes no writes, and takes them again',
    '`DATABASE_READ_ONLY`',
    '`DATABASE_READ_ONLY`',
    '0.3 s',
  ],
  ['packets vanish on all that is open', TIMEOUT, TIMEOUT, '10 s'],
  [
    'all connections of the server are used up',
    `${BUSY}, or ${UNREACHABLE}, or ${UNCONFIRMED}`,
    BUSY,
    '0.3 s',
  ],
  [
    'the disk is full, and has room again',
    `\`DATABASE_FULL\`, or ${GONE}`,
    `\`DATABASE_FULL\` or ${UNREACHABLE}`,
    '0.3 s',
  ],
  ['PgBouncer is killed, and started again', GONE, UNREACHABLE, '0.3 s'],
  ['PgBouncer is stopped in order, and started again', GONE, UNREACHABLE, '0.3 s'],
  [
    'strangers are all the clients that PgBouncer takes',
    `${BUSY}, or ${UNREACHABLE}, or ${UNCONFIRMED}`,
    BUSY,
    '0.3 s',
  ],
  [
    'strangers have the whole pool, and PgBouncer refuses who waits for longer than query_wait_timeout',
    BUSY,
    BUSY,
    '0.4 s',
  ],
  ['strangers have the whole pool, and PgBouncer lets wait', TIMEOUT, TIMEOUT, '0.7 s'],
  ['PAUSE, and RESUME', TIMEOUT, TIMEOUT, '0.3 s'],
  ['the database behind it is killed, and started again', `${GONE}, or ${TIMEOUT}`, UNREACHABLE, '1 s'],
  [
    'strangers take all connections of the database behind it',
    `${GONE}, or ${TIMEOUT}`,
    UNREACHABLE,
    '0.7 s',
  ],
  ['packets vanish behind it on all that is open', TIMEOUT, TIMEOUT, '10 s'],
  ['commits behind it wait for a standby that is gone', `${TIMEOUT}, or \`LOCK_TIMEOUT\``, TIMEOUT, '0.7 s'],
]

const MEASURED_SECTION = `## Measured

Tests do this to a real PostgreSQL and a real PgBouncer 1.18, while six buyers order and ask again after 0.1 s: the server lives, nothing
that was acknowledged is lost, and no key makes two orders. The last column is from the end of it until the next order succeeds, the
longest of several runs on two busy cores; of packets that vanish, from the beginning.

${table(['what happens', 'callers get', 'health says', 'sells again within'], MEASURED)}

Behind PgBouncer a call that waits in its queue is given up after 10 s (\`DATABASE_TIMEOUT\`); with a \`query_wait_timeout\` below that
it is refused sooner, and by its cause. With PgBouncer's own \`server_login_retry\` of 15 s it refuses for that long after PostgreSQL is
back: set it to 1.`

/** What becomes of calls when the database fails. */
export function conditionsPage(): string {
  const entries: readonly [string, DatabaseCondition][] = Object.entries(DATABASE_CONDITIONS)
  return page(
    'When the database fails',
    'src/core/database-conditions.ts',
    `The server lives through all of these and sells again by itself. Callers get the code with 503 and \`Retry-After\`; RPC
answers PostgREST's code, with ours in \`hint\`. Nothing of it is kept under an idempotency key: who asks again with the same
key learns what became of the first call.`,
    table(
      ['condition', 'seen by', 'SQLSTATE', 'answer', 'retry after', 'how it ends'],
      entries.map(([name, { seen, states, answer, recovery }]) => [
        `\`${name}\``,
        seen,
        states.join(', '),
        `\`${answer}\``,
        `${refusalEntry(answer).retryAfterSeconds} s`,
        recovery,
      ]),
    ),
    `## Health

\`health-check\` opens a new connection and closes it, so that it sees what the next one would meet while those that are open still
work: PostgreSQL or a pooler that takes no more. Then it writes: a message in the write-ahead log, which a synchronous standby has to
confirm, and a temporary file. What it meets it answers with the same code, within 3 s. What others' calls met in the last 5 s it
answers too, though its own connection is fine: all of these but \`CONNECTION_LOST\` and \`COMMIT_UNCONFIRMED\`, which are one
call's. Pages that only read do not count. All who ask within a second get one answer.

${MEASURED_SECTION}

## The log

\`database_condition\` names the condition, its cause, how many calls met it, and what to do: when it begins, and every ten
seconds that it lasts. \`database_condition_over\` follows ten seconds after the last.

| condition | what to do |
|---|---|
${entries.map(([name, { advice }]) => `| \`${name}\` | ${advice} |`).join('\n')}

## Failover

\`npx admit-once prove failover\` shows one on this machine, with PostgreSQLs of its own, and \`prove failover-patroni\` one that Patroni
decides, with the Patroni and etcd that are installed here ([What dies](../concepts/guarantees.md#what-dies)).

- **Several hosts** in \`DATABASE_URL\` are tried in turn, as libpq does with \`target_session_attrs=read-write\`:
  \`postgres://user:password@one:5432,two:5432/tickets\`. A standby, or a server that refuses writes, is not used. \`verify\` and
  \`check\` only read: they take a standby too.
- **A standby that commits do not wait for** loses what was acknowledged a moment before it is promoted, and no law can see it:
  what was lost left no row. \`start\` and \`prove\` say so, and \`health-check\` has it in \`warnings\`. Set
  \`synchronous_standby_names\`; \`synchronous_commit\` is \`on\` unless you changed it.
- **A synchronous standby that is gone** stops every commit, by design. Calls end with \`DATABASE_TIMEOUT\`, health too. Their
  connections are kept until the standby is back or its name is taken out of \`synchronous_standby_names\`.
  \`start\`, \`migrate\`, \`fixtures\` and \`prove\` end with 3 after 10 s, before they change anything.
- **Do not cancel a commit that waits** (\`pg_cancel_backend\`): it is on the primary alone then. Its caller gets
  \`COMMIT_UNCONFIRMED\`, not a success. Who asks again under the same key waits until a standby has it, as the first time.`,
  )
}
