import type { Lane } from '../../core/capacity.ts'
import type { Caller } from '../../db/call.ts'
import type { Database } from '../../db/pool.ts'
import type { Authenticator } from '../authenticator.ts'
import type { Greeting, Task } from '../front.ts'
import { hasBody, type Reply } from '../http.ts'
import { type OriginRules, originOf } from '../origin.ts'
import {
  BODY_BYTES_MAX,
  type EdgeFunction,
  type FunctionContext,
  Refusal,
  refusalOf,
  refusalReply,
  refuseForeignText,
} from './contract.ts'

export interface FunctionOptions
  extends Omit<FunctionContext, 'database' | 'caller' | 'publicUrl'>,
    OriginRules {
  readonly functions: ReadonlyMap<string, EdgeFunction>
  readonly authenticator: Authenticator
  readonly databases: Readonly<Record<Lane, Database>>
}

/** `/functions/v1/<name>` */
export function functionTask(name: string, options: FunctionOptions): Task {
  const edge = options.functions.get(name)
  return edge === undefined ? NO_FUNCTION : taskOf(name, edge, options)
}

const NO_FUNCTION: Task = {
  lane: 'buyers',
  path: '/functions/v1/:name',
  methods: [],
  bodyBytesMax: BODY_BYTES_MAX,
  refuse: (code) => refusalReply(new Refusal(code)),
  greet: async () => ({ refused: noFunction() }),
  answer: async () => noFunction(),
}

function noFunction(): Reply {
  return refusalReply(new Refusal('NOT_FOUND', 'There is no such function.'))
}

function taskOf(name: string, edge: EdgeFunction, options: FunctionOptions): Task {
  let caller: Promise<Caller> | undefined
  const callerOf = (request: Request) => {
    caller ??= options.authenticator.identifyLoosely(request)
    return caller
  }
  return {
    lane: edge.lane ?? 'buyers',
    path: `/functions/v1/${name}`,
    methods: edge.methods,
    bodyBytesMax: edge.bodyBytesMax ?? BODY_BYTES_MAX,
    refuse: (code) => refusalReply(new Refusal(code), edge.wording),
    greet: async (request) => greet(request, edge, await callerOf(request), options),
    check: (request) =>
      answerOrRefuse(edge, async (): Promise<undefined> => {
        await edge.check?.(request, options)
      }),
    answer: async (request, from) => {
      const caller = await callerOf(request)
      return answer(request, edge, { ...options, caller, from })
    },
  }
}

/** What the head alone can tell: a method, a caller or a type that this function does not take. */
async function greet(
  request: Request,
  edge: EdgeFunction,
  { role }: Caller,
  options: FunctionOptions,
): Promise<Greeting> {
  if (!edge.methods.includes(request.method)) {
    const allow = { Allow: edge.methods.join(', ') }
    return { refused: refusalReply(new Refusal('METHOD_NOT_ALLOWED'), edge.wording, allow) }
  }
  const refused = await answerOrRefuse(edge, async (): Promise<undefined> => {
    if (edge.needs !== undefined && role === 'anon') throw new Refusal('UNAUTHORIZED')
    if (edge.needs === 'service_role' && role !== 'service_role') throw new Refusal('FORBIDDEN')
    edge.greet?.(request, options)
    if (hasBody(request)) refuseForeignText(request)
  })
  return refused === undefined ? { isKnown: role !== 'anon' } : { refused }
}

async function answer(
  request: Request,
  edge: EdgeFunction,
  options: FunctionOptions & Pick<FunctionContext, 'caller' | 'from'>,
): Promise<Reply> {
  const { caller, checkout, from, codes, payments, paymentMode, allowedRedirects, watch } = options
  return answerOrRefuse(edge, () =>
    edge.handle(request, {
      database: options.databases[edge.lane ?? 'buyers'],
      caller,
      checkout,
      from,
      codes,
      publicUrl: originOf(request, options),
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
    return refusalReply(refusal, edge.wording)
  }
}
