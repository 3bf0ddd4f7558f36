import { timingSafeEqual } from 'node:crypto'
import type { Authenticator } from '../authenticator.ts'
import type { Task } from '../front.ts'
import { Refusal, refusalReply } from '../functions/contract.ts'
import type { Reply } from '../http.ts'

/**
 * `GET /metrics`, for who shows METRICS_TOKEN, which opens nothing else, or the secret key. Sales are nobody's business, so that
 * the network is not believed: behind a proxy everybody comes from this machine.
 */
export function metricsTask(
  metrics: { readonly contentType: string; readonly read: () => Promise<string> },
  { authenticator, token }: { readonly authenticator: Authenticator; readonly token?: string | undefined },
): Task {
  const refuse = (code: 'UNAUTHORIZED' | 'METHOD_NOT_ALLOWED'): { refused: Reply } => ({
    refused: refusalReply(new Refusal(code), undefined, { Allow: METHODS.join(', ') }),
  })
  return {
    lane: 'health',
    path: '/metrics',
    methods: METHODS,
    bodyBytesMax: 0,
    refuse: (code) => refusalReply(new Refusal(code)),
    greet: async (request) => {
      if (!METHODS.includes(request.method)) return refuse('METHOD_NOT_ALLOWED')
      const isKnown =
        isToken(request, token) || (await authenticator.identifyLoosely(request)).role === 'service_role'
      return isKnown ? { isKnown } : refuse('UNAUTHORIZED')
    },
    answer: async () => ({
      status: 200,
      body: await metrics.read(),
      headers: { 'Content-Type': metrics.contentType },
    }),
  }
}

const METHODS = ['GET', 'HEAD']

/** Compared in constant time. */
function isToken({ headers }: Request, token: string | undefined): boolean {
  const shown = /^bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1]
  if (token === undefined || shown === undefined) return false
  const [a, b] = [Buffer.from(shown), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
