import { BUILT_IN, findEngines, type HttpEngine } from '../../../src/load/engine.ts'

export const builtIn = BUILT_IN.http

const { http } = await findEngines()

/** The user's own k6; nothing of ours fetches one. */
export const k6: HttpEngine | undefined = http.name === 'k6' ? http : undefined

/** Why a test that needs k6 is skipped, if it is. */
export const NO_K6: string | undefined = k6 === undefined ? 'k6 is not on the PATH' : undefined

/** Each engine with the reason to skip it; a test of one that is missing would fail. */
export const ENGINES: readonly {
  readonly engine: HttpEngine
  readonly name: string
  readonly skip?: string
}[] = [
  { engine: builtIn, name: 'built-in' },
  { engine: k6 ?? builtIn, name: 'k6', ...(NO_K6 === undefined ? {} : { skip: NO_K6 }) },
]
