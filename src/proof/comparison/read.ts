import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { RESULTS_SCHEMA, type Results, results as schema } from '../results.ts'

type Code =
  | 'EARLIER_RUN_NOT_FOUND'
  | 'EARLIER_RUN_FOREIGN'
  | 'EARLIER_RUN_OTHER_VERSION'
  | 'EARLIER_RUN_GARBLED'

class EarlierRunError extends Error {
  readonly code: Code
  constructor(code: Code, says: string, cause?: unknown) {
    super(`${code}: ${says}`, { cause })
    this.code = code
  }
}

/** No run writes so much. */
const BYTES_MAX = 64 * 1024 ** 2

/** The results of an earlier run: its folder, or its results.json. Throws a coded error that says what the file is instead. */
export async function readEarlier(path: string): Promise<Results> {
  const file = await fileOf(path)
  const value = parse(file, await readFile(file, 'utf8'))
  const name = isObject(value) ? value['schema'] : undefined
  if (typeof name !== 'string' || !name.startsWith('admit-once/results/'))
    throw new EarlierRunError('EARLIER_RUN_FOREIGN', `${file} is no results.json of \`admit-once prove\`.`)
  if (name !== RESULTS_SCHEMA)
    throw new EarlierRunError(
      'EARLIER_RUN_OTHER_VERSION',
      `${file} is ${name}; this version compares ${RESULTS_SCHEMA}. Compare it with the version that wrote it.`,
    )
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new EarlierRunError(
    'EARLIER_RUN_GARBLED',
    `${file} is not whole: ${issue?.path.join('.')}: ${issue?.message}.`,
  )
}

async function fileOf(path: string): Promise<string> {
  const found = await find(path)
  if (!found.isDirectory()) return requireSmall(path, found.size)
  const file = join(path, 'results.json')
  return requireSmall(file, (await find(file)).size)
}

async function find(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    throw new EarlierRunError(
      'EARLIER_RUN_NOT_FOUND',
      `there is no ${path}. Name the folder of an earlier run, or its results.json.`,
      error,
    )
  }
}

function requireSmall(file: string, bytes: number): string {
  if (bytes <= BYTES_MAX) return file
  throw new EarlierRunError('EARLIER_RUN_FOREIGN', `${file} has ${bytes} bytes: no run writes so much.`)
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new EarlierRunError('EARLIER_RUN_GARBLED', `${file} is not JSON, or not all of it.`)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
