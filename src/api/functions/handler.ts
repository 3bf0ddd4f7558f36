import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import type { Lane } from '../../desk/lane.ts'
import { CALLER_ROLES, type Gate } from '../callers.ts'
import type { Task } from '../front.ts'
import type { Reply } from '../http.ts'
import {
  BODY_BYTES_MAX,
  type EdgeFunction,
  type FunctionContext,
  Refusal,
  refusalOf,
  refusalReply,
} from './contract.ts'

export interface FunctionRoom extends Omit<FunctionContext, 'database' | 'caller' | 'publicUrl'> {
  readonly functions: ReadonlyMap<string, EdgeFunction>
  readonly gate: Gate
  readonly publicUrl: string | undefined
  readonly databases: Readonly<Record<Lane, Database>>
}

/** `/functions/v1/<name>` */
export function functionTask(name: string, room: FunctionRoom): Task {
  const edge = room.functions.get(name)
  const spell = edge?.spell
  return {
    lane: edge?.lane ?? 'buyers',
    path: edge === undefined ? '/functions/v1/:name' : `/functions/v1/${name}`,
    methods: edge?.methods ?? [],
    bodyBytesMax: edge?.bodyBytesMax ?? BODY_BYTES_MAX,
    refuse: (code) => refusalReply(new Refusal(code), spell),
    ...(edge === undefined ? {} : { check: (request) => check(request, edge, room) }),
    answer: (request) =>
      edge === undefined
        ? Promise.resolve(refusalReply(new Refusal('NOT_FOUND', 'There is no such function.')))
        : answer(request, edge, room),
  }
}

async function check(request: Request, edge: EdgeFunction, room: FunctionRoom): Promise<Reply | undefined> {
  if (!edge.methods.includes(request.method)) {
    return refusalReply(new Refusal('METHOD_NOT_ALLOWED'), edge.spell, { Allow: edge.methods.join(', ') })
  }
  return spelled(edge, async (): Promise<undefined> => {
    await edge.check?.(request, room)
  })
}

async function answer(request: Request, edge: EdgeFunction, room: FunctionRoom): Promise<Reply> {
  const identity = edge.anonymous ? NOBODY : await room.gate.identifyLoosely(request)
  if (identity.kind !== 'caller' || !CALLER_ROLES.has(identity.caller.role)) {
    return refusalReply(new Refusal('UNAUTHORIZED'), edge.spell)
  }
  const { codes, payments, paymentMode, allowedRedirects } = room
  return spelled(edge, () =>
    edge.handle(request, {
      database: room.databases[edge.lane ?? 'buyers'],
      caller: identity.caller,
      codes,
      publicUrl: room.publicUrl ?? new URL(request.url).origin,
      ...(payments === undefined ? {} : { payments }),
      paymentMode,
      allowedRedirects,
    }),
  )
}

const NOBODY = { kind: 'caller', caller: ANON } as const

/** What it gives, or its refusal in the function's words. */
async function spelled<Given>(edge: EdgeFunction, work: () => Promise<Given>): Promise<Given | Reply> {
  try {
    return await work()
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return refusalReply(refusal, edge.spell)
  }
}
