import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether a request carries the secret key, as a bearer's token or as the user of Basic. */
export function presents(request: Request, secretKey: string): boolean {
  const [scheme = '', value = ''] = (request.headers.get('authorization') ?? '').split(' ')
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return same(value, secretKey)
    case 'basic':
      return same(Buffer.from(value, 'base64').toString().replace(/:$/, ''), secretKey)
    default:
      return false
  }
}

/** Constant-time comparison: a wrong key that begins right takes as long as any other. */
function same(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
