import { isDeepStrictEqual } from 'node:util'
import type { Hono } from 'hono'
import { z } from 'zod'
import { givenBy } from '../../docs/generate/openapi.ts'
import type { EdgeFunction } from '../../src/api/functions/contract.ts'
import { functions } from '../../src/api/functions/index.ts'
import { refusalsOf } from '../../src/api/functions/refusals.ts'
import { PLAIN } from '../../src/api/functions/wording.ts'
import { refusalEntry } from '../../src/core/refusals.ts'
import { VERBS } from '../../src/desk/verbs.ts'

/** The contract of functions that a test makes up. */
export const UNTOLD = { answer: z.unknown(), refusals: [] } as const

const untold: string[] = []

// At the very end: a hook that fails would keep others from closing what is open.
process.on('exit', () => {
  if (untold.length === 0) return
  process.exitCode = 1
  console.error(`answers that the OpenAPI document does not tell of:\n${untold.join('\n')}`)
})

/** Every answer of our functions and verbs is one that the OpenAPI document tells of: looked at as it goes out, judged at the end of the file. */
export function judging(fetch: Hono['fetch']): Hono['fetch'] {
  return async (request, ...more) => {
    const response = await fetch(request, ...more)
    await judge(request, response)
    return response
  }
}

async function judge({ method, url }: Request, response: Response): Promise<void> {
  const { pathname, search } = new URL(url)
  const [, kind, name = ''] = ROUTE.exec(pathname) ?? []
  if (kind === undefined || method === 'HEAD') return
  if (!response.headers.get('content-type')?.startsWith('application/json')) return
  const body: unknown = await unpacked(response.clone()).json()
  const edge = functions.get(name)
  // What `select` and filters make of rows is the caller's own shape.
  const verb = search === '' ? VERBS.get(name) : undefined
  const problem =
    kind === 'functions/v1'
      ? edge?.methods.includes(method) && problemOfFunction(edge, response.status, body)
      : verb?.answer && response.status === 200 && unlike(givenBy({ ...verb, answer: verb.answer }), body)
  if (typeof problem === 'string')
    untold.push(`${method} ${name} ${response.status}: ${problem}\n${JSON.stringify(body)}`)
}

const ROUTE = /^\/(functions\/v1|rest\/v1\/rpc)\/([\w-]+)$/

function problemOfFunction(edge: EdgeFunction, status: number, body: unknown): string | undefined {
  if (status === 200) return unlike(edge.answer, body)
  const codes = refusalsOf(edge).filter((code) => refusalEntry(code).status === status)
  if (codes.length === 0) return 'no refusal of its has this status'
  return unlike((edge.wording ?? PLAIN).schemaOf(codes), body)
}

/** What is long goes out as gzip. */
function unpacked(response: Response): Response {
  if (response.headers.get('content-encoding') !== 'gzip') return response
  return new Response(response.body?.pipeThrough(new DecompressionStream('gzip')))
}

/** A member that the schema does not know is gone when it was parsed. */
function unlike(schema: z.ZodType, body: unknown): string | undefined {
  const parsed = schema.safeParse(body)
  if (!parsed.success) return z.prettifyError(parsed.error)
  return isDeepStrictEqual(parsed.data, body) ? undefined : `more than ${JSON.stringify(parsed.data)}`
}
