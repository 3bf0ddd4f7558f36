import { DATABASE_CONDITIONS, type DatabaseCondition } from '../../src/core/database-conditions.ts'
import { refusalEntry } from '../../src/core/refusals.ts'
import { page, table } from './markdown.ts'

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

\`health-check\` writes: a message in the write-ahead log, which a synchronous standby has to confirm, and a temporary file. What
it meets it answers with the same code, within 3 s. What others' calls met in the last 5 s it answers too, though its own
connection is fine: all of these but \`CONNECTION_LOST\` and \`COMMIT_UNCONFIRMED\`, which are one call's. Pages that only read do
not count.

## The log

\`database_condition\` names the condition, its cause, how many calls met it, and what to do: when it begins, and every ten
seconds that it lasts. \`database_condition_over\` follows ten seconds after the last.

| condition | what to do |
|---|---|
${entries.map(([name, { advice }]) => `| \`${name}\` | ${advice} |`).join('\n')}

## Failover

- **Several hosts** in \`DATABASE_URL\` are tried in turn, as libpq does with \`target_session_attrs=read-write\`:
  \`postgres://user:password@one:5432,two:5432/tickets\`. A standby, or a server that refuses writes, is not used. \`verify\` and
  \`check\` only read: they take a standby too.
- **A standby that commits do not wait for** loses what was acknowledged a moment before it is promoted, and no law can see it:
  what was lost left no row. \`start\` and \`prove\` say so, and \`health-check\` has it in \`warnings\`. Set
  \`synchronous_standby_names\`; \`synchronous_commit\` is \`on\` unless you changed it.
- **A synchronous standby that is gone** stops every commit, by design. Calls end with \`DATABASE_TIMEOUT\`, health too. Their
  connections are kept until the standby is back or its name is taken out of \`synchronous_standby_names\`.
  \`start\` and \`migrate\` end with 3 after 10 s, before they change anything.
- **Do not cancel a commit that waits** (\`pg_cancel_backend\`): it is on the primary alone then. Its caller gets
  \`COMMIT_UNCONFIRMED\`, not a success. Who asks again under the same key waits until a standby has it, as the first time.`,
  )
}
