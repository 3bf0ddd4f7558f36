import type { Database } from '../../db/pool.ts'
import type { Lane } from '../../desk/lane.ts'
import type { Authenticator } from '../authenticator.ts'
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

export interface FunctionOptions extends Omit<FunctionContext, 'database' | 'caller' | 'publicUrl'> {
  readonly functions: ReadonlyMap<string, EdgeFunction>
  readonly authenticator: Authenticator
  readonly publicUrl: string | undefined
  readonly databases: Readonly<Record<Lane, Database>>
}

/** `/functions/v1/<name>` */
export function functionTask(name: string, options: FunctionOptions): Task {
  const edge = options.functions.get(name)
  const spell = edge?.spell
  return {
    lane: edge?.lane ?? 'buyers',
    path: edge === undefined ? '/functions/v1/:name' : `/functions/v1/${name}`,
    methods: edge?.methods ?? [],
    bodyBytesMax: edge?.bodyBytesMax ?? BODY_BYTES_MAX,
    refuse: (code) => refusalReply(new Refusal(code), spell),
    ...(edge === undefined ? {} : { check: (request) => check(request, edge, options) }),
    answer: (request) =>
      edge === undefined
        ? Promise.resolve(refusalReply(new Refusal('NOT_FOUND', 'There is no such function.')))
        : answer(request, edge, options),
  }
}

async function check(
  request: Request,
  edge: EdgeFunction,
  options: FunctionOptions,
): Promise<Reply | undefined> {
  if (!edge.methods.includes(request.method)) {
    return refusalReply(new Refusal('METHOD_NOT_ALLOWED'), edge.spell, { Allow: edge.methods.join(', ') })
  }
  return answerOrRefuse(edge, async (): Promise<undefined> => {
    await edge.check?.(request, options)
  })
}

async function answer(request: Request, edge: EdgeFunction, options: FunctionOptions): Promise<Reply> {
  const caller = await options.authenticator.identifyLoosely(request)
  const { codes, payments, paymentMode, allowedRedirects, watch } = options
  return answerOrRefuse(edge, () =>
    edge.handle(request, {
      database: options.databases[edge.lane ?? 'buyers'],
      caller,
      codes,
      publicUrl: options.publicUrl ?? new URL(request.url).origin,
      ...(payments === undefined ? {} : { payments }),
      ...(watch === undefined ? {} : { watch }),
      paymentMode,
      allowedRedirects,
    }),
  )
}

/** What it gives, or its refusal in the function's words. */
async function answerOrRefuse<Given>(edge: EdgeFunction, work: () => Promise<Given>): Promise<Given | Reply> {
  try {
    return await work()
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return refusalReply(refusal, edge.spell)
  }
}
