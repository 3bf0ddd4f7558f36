import type { Database } from '../../db/pool.ts'
import { CALLER_ROLES, type Gate } from '../callers.ts'
import type { Task } from '../front.ts'
import type { Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, Refusal, refusalOf, refusalReply } from './contract.ts'

export interface FunctionRoom extends Omit<FunctionContext, 'caller' | 'publicUrl'> {
  readonly functions: ReadonlyMap<string, EdgeFunction>
  readonly gate: Gate
  readonly publicUrl: string | undefined
  /** Connections that buyers cannot take away from payments. */
  readonly paymentsDatabase: Database
}

/** `/functions/v1/<name>` */
export function functionTask(name: string, room: FunctionRoom): Task {
  const edge = room.functions.get(name)
  const spell = edge?.spell
  return {
    lane: edge?.lane ?? 'buyers',
    path: edge === undefined ? '/functions/v1/:name' : `/functions/v1/${name}`,
    methods: edge?.methods ?? [],
    refuse: (code) => refusalReply(new Refusal(code), spell),
    answer: (request) =>
      edge === undefined
        ? Promise.resolve(refusalReply(new Refusal('NOT_FOUND', 'There is no such function.')))
        : answer(request, edge, room),
  }
}

async function answer(request: Request, edge: EdgeFunction, room: FunctionRoom): Promise<Reply> {
  if (!edge.methods.includes(request.method)) {
    return refusalReply(new Refusal('METHOD_NOT_ALLOWED'), edge.spell, { Allow: edge.methods.join(', ') })
  }
  const identity = await room.gate.identifyLoosely(request)
  if (identity.kind !== 'caller' || !CALLER_ROLES.has(identity.caller.role)) {
    return refusalReply(new Refusal('UNAUTHORIZED'), edge.spell)
  }
  const { database, paymentsDatabase, codes, payments, paymentMode, allowedRedirects } = room
  try {
    return await edge.handle(request, {
      database: edge.lane === undefined ? database : paymentsDatabase,
      caller: identity.caller,
      codes,
      publicUrl: room.publicUrl ?? new URL(request.url).origin,
      ...(payments === undefined ? {} : { payments }),
      paymentMode,
      allowedRedirects,
    })
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return refusalReply(refusal, edge.spell)
  }
}
