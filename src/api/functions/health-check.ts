import { type Caller, call } from '../../db/call.ts'
import { sqlErrorOf } from '../../db/failures.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, Refusal } from './contract.ts'

/** Whether this server can sell: the database answers, and every protection is in place. */
export const healthCheck: EdgeFunction = { methods: ['GET', 'HEAD', 'POST'], lane: 'health', handle }

async function handle(_request: Request, { database, paymentMode }: FunctionContext): Promise<Reply> {
  const startedMs = performance.now()
  const rows = await call(database, { caller: SERVICE, sql: PROTECTIONS, readOnly: true }).catch(
    (error: unknown) => {
      throw MISSING.has(sqlErrorOf(error)?.code ?? '') ? new Refusal('NOT_INSTALLED') : error
    },
  )
  const latency = performance.now() - startedMs
  const [version, active, total, missing] = rows[0] ?? []
  const protections = { active: Number(active), total: Number(total) }
  if (missing !== null || protections.total === 0) {
    throw new Refusal('PROTECTION_MISSING', missing ?? 'none is listed', { protections })
  }
  const latency_ms = Math.round(latency * 100) / 100
  const payments = { mode: paymentMode }
  return json(200, { success: true, status: 'ok', database: { version, latency_ms }, protections, payments })
}

const SERVICE: Caller = { role: 'service_role', claims: '{"role":"service_role"}' }

const PROTECTIONS = `
  select current_setting('server_version'), count(*) filter (where p.active), count(*),
    string_agg(p.protection, ', ' order by p.protection) filter (where p.active is not true)
  from public.verify_protections() p`

/** No such function, schema or role. */
const MISSING = new Set(['42883', '3F000', '22023'])
