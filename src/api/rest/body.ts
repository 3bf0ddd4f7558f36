import { readBody } from '../http.ts'
import { RestError } from './errors.ts'
import { invalidBody } from './payload.ts'

/** The body's text. Throws for one that is too large, cut off or not UTF-8. */
export async function readText(request: Request): Promise<string> {
  const body = await readBody(request).catch((error: unknown) => {
    const what = error instanceof TypeError ? 'is not valid UTF-8' : 'did not arrive whole'
    throw invalidBody(`The request body ${what}`)
  })
  if (body === undefined) throw new RestError('PAYLOAD_TOO_LARGE', 'The request body is too large')
  return body
}
