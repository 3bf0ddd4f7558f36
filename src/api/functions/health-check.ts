import { z } from 'zod'
import { databaseCondition } from '../../core/database-conditions.ts'
import { type Durability, LOSES_AT_FAILOVER, losesAtFailover, tryCommit } from '../../db/durability.ts'
import { DatabaseError, sqlErrorOf } from '../../db/failures.ts'
import type { Database } from '../../db/pool.ts'
import { count } from '../../desk/answers.ts'
import { SERVICE } from '../../desk/callers.ts'
import { countProtections } from '../../desk/protections.ts'
import { json, type Reply } from '../http.ts'
import {
  type EdgeFunction,
  type FunctionContext,
  PAYMENT_MODES,
  Refusal,
  requireSigningKey,
} from './contract.ts'

const answer = z.object({
  success: z.literal(true),
  status: z.literal('ok'),
  database: z.object({
    version: z.string().nullable(),
    latency_ms: z.number(),
    standbys: count.optional(),
    commits_wait_for_standby: z.boolean().optional(),
  }),
  protections: z.object({ active: count, total: count }),
  payments: z.object({ mode: z.enum(PAYMENT_MODES) }),
  warnings: z.array(z.string()).optional(),
})

/**
 * Whether this server can sell: a new connection is to be had, a commit gets through, every protection is in place, and gates
 * believe what it signs.
 */
export const healthCheck: EdgeFunction = {
  methods: ['GET', 'HEAD', 'POST'],
  lane: 'health',
  answer,
  refusals: ['NOT_INSTALLED', 'PROTECTION_MISSING', 'SIGNING_KEY_REVOKED'],
  handle,
}

async function handle(_request: Request, context: FunctionContext): Promise<Reply> {
  const { database, paymentMode, codes, watch } = context
  const { version, latency_ms, protections, missing, durability } = await inTime(stateOf(database))
  // Buyers' calls need room that the trial may have found, and connections where it has kept its own.
  const condition = watch?.suffers()
  if (condition !== undefined) throw new Refusal(databaseCondition(condition).answer)
  if (missing !== null || protections.total === 0) {
    throw new Refusal('PROTECTION_MISSING', missing ?? 'none is listed', { protections })
  }
  requireSigningKey(codes)
  const payments = { mode: paymentMode }
  const { standbys, waits } = durability
  const commits = standbys > 0 || waits ? { standbys, commits_wait_for_standby: waits } : {}
  const warnings = losesAtFailover(durability) ? { warnings: [LOSES_AT_FAILOVER] } : {}
  const state = { database: { version, latency_ms, ...commits }, protections, payments }
  const shown: z.output<typeof answer> = { success: true, status: 'ok', ...state, ...warnings }
  return json(200, shown)
}

/** A commit that waits for its standby has no end of its own. */
const ANSWER_MS_MAX = 3_000

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Refusal('DATABASE_TIMEOUT')), ANSWER_MS_MAX)
  try {
    return await Promise.race([answer, late.promise])
  } catch (error) {
    throw error instanceof DatabaseError ? stateIn(error) : error
  } finally {
    clearTimeout(timer)
  }
}

/** A call's error, as it tells of the database: nobody asks whether the trial itself was done. */
function stateIn(error: DatabaseError): Error {
  // The trial before this one still has the lane's connection.
  if (error.code === 'POOL_EXHAUSTED') return new Refusal('DATABASE_TIMEOUT')
  return error.code === 'CONNECTION_LOST' ? new Refusal('DATABASE_UNREACHABLE') : error
}

interface State {
  readonly version: string | null
  readonly latency_ms: number
  readonly protections: { readonly active: number; readonly total: number }
  readonly missing: string | null
  readonly durability: Durability
}

/** Anybody may ask: for this long all get one answer, so that the database is asked at most that often. */
const CACHE_MS = 1_000

interface CacheEntry {
  readonly state: Promise<State>
  /** Endless while the database is asked. */
  untilMs: number
}

const cache = new WeakMap<Database, CacheEntry>()

function stateOf(database: Database): Promise<State> {
  const known = cache.get(database)
  if (known !== undefined && performance.now() < known.untilMs) return known.state
  const state = askState(database)
  const entry: CacheEntry = { state, untilMs: Number.POSITIVE_INFINITY }
  cache.set(database, entry)
  const keep = () => {
    entry.untilMs = performance.now() + CACHE_MS
  }
  state.then(keep, keep)
  return state
}

async function askState(database: Database): Promise<State> {
  const startedMs = performance.now()
  // Those that are open may work for long after the database, or a pooler before it, takes no new one.
  await database.tryConnect()
  const durability = await tryCommit(database, SERVICE).catch(refuseMissing)
  const { version, active, total, missing } = await countProtections(database, SERVICE).catch(refuseMissing)
  const latency_ms = Math.round((performance.now() - startedMs) * 100) / 100
  return { version, latency_ms, protections: { active, total }, missing, durability }
}

function refuseMissing(error: unknown): never {
  throw MISSING.has(sqlErrorOf(error)?.code ?? '') ? new Refusal('NOT_INSTALLED') : error
}

/** No such function, table, schema or role. */
const MISSING = new Set(['42883', '42P01', '3F000', '22023'])
