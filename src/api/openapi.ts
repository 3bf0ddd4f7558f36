import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Task } from './front.ts'
import { Refusal, refusalReply } from './functions/contract.ts'
import type { Reply } from './http.ts'

/** For so long nobody need ask again. */
const CACHE_SECONDS = 300

/** `GET /openapi.json`: the functions and verbs of this version, as the package ships them. */
export function openapiTask(): Task {
  const body = readFileSync(new URL('../../docs/reference/openapi.json', import.meta.url), 'utf8')
  const tag = `W/"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`
  const cached = { ETag: tag, 'Cache-Control': `public, max-age=${CACHE_SECONDS}` }
  const headers = { ...cached, 'Content-Type': 'application/json; charset=utf-8' }
  const answer = async (request: Request): Promise<Reply> => {
    const isKnown = request.headers.get('if-none-match')?.includes(tag.slice(2))
    if (isKnown) return { status: 304, body: null, headers: cached }
    return { status: 200, body: request.method === 'HEAD' ? null : body, headers }
  }
  return {
    lane: 'pages',
    path: '/openapi.json',
    methods: METHODS,
    bodyBytesMax: 0,
    refuse: (code) => refusalReply(new Refusal(code)),
    greet: async ({ method }) =>
      METHODS.includes(method)
        ? { isKnown: false }
        : {
            refused: refusalReply(new Refusal('METHOD_NOT_ALLOWED'), undefined, {
              Allow: METHODS.join(', '),
            }),
          },
    answer,
  }
}

const METHODS = ['GET', 'HEAD']
