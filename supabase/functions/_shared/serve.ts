import { edgeFunction } from '../../../src/edge/edge.ts'

/** Serves one of the functions of `src/api/functions` in its own worker. */
export function serve(name: string): void {
  Deno.serve(edgeFunction(name, Deno.env.toObject()))
}
