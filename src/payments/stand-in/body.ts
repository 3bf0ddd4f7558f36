/**
 * The body's text; undefined when it has more than `bytesMax`, of which no more is read, and when it ends before its end.
 */
export async function readText(request: Request, bytesMax: number): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) return undefined
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of request.body) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString()
}

/** A bug is answered, and its stack is logged, by whoever serves the stand-in. */
export function passOn(error: unknown): never {
  throw error
}
