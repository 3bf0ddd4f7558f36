import type { Stage } from '../run.ts'

interface Row {
  readonly guarantee: string
  readonly protection: string
  readonly object: string
  readonly active: boolean
  readonly detail: string
}

/** Is everything in place that holds the guarantees? */
export const protectionsStage: Stage = {
  name: 'protections',
  title: 'Protections in place',
  level: 1,
  work: async (run) => {
    const { rows } = await run.databases.main.client.query<Row>('select * from verify_protections()')
    run.protections = rows
    const missing = rows.filter((row) => !row.active)
    return [
      {
        name: 'verify_protections() finds every protection as it was installed',
        verdict: rows.length > 0 && missing.length === 0 ? 'PASS' : 'FAIL',
        detail: `${rows.length - missing.length} of ${rows.length} in place`,
        ...(missing.length === 0 ? {} : { witness: missing, reproduce: 'npx admit-once verify' }),
      },
    ]
  },
}
