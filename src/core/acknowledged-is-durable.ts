import type { Guarantee } from './guarantee.ts'

/** What was answered stays, whatever dies. */
export const ACKNOWLEDGED_IS_DURABLE: Guarantee = {
  number: 9,
  name: 'acknowledged-is-durable',
  promise: 'What was answered with success survives the death of the server and of the database.',
  // What was lost leaves no row.
  laws: [],
  // Where no PostgreSQL may be killed, this is not shown.
  scenarios: ['sudden-death', 'failover', 'failover-patroni', 'random-faults'],
  refusesAlone: true,
  protections: [
    {
      name: 'answers wait for the disk',
      role: 'refuses',
      kind: 'setting',
      object: 'synchronous_commit, fsync, full_page_writes',
      without: 'set synchronous_commit = off',
    },
  ],
}
