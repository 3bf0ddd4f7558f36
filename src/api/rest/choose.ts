import { type Catalogue, EXPOSED_SCHEMA, type Routine } from './catalogue.ts'
import { RestError } from './errors.ts'
import { likeliest } from './likeness.ts'

/** What a call brings: the names of its arguments, and whether its body may be one unnamed argument. */
export interface CallSignature {
  readonly name: string
  /** Without repetition. */
  readonly keys: readonly string[]
  /** Types that the whole body may be passed as; empty for GET. */
  readonly bodyTypes: readonly string[]
  /** The body is no set of named arguments at all, as with text/plain. */
  readonly bodyOnly: boolean
}

/** The function that the names of the arguments ask for. A miss reads the catalogue once more. */
export async function chooseRoutine(catalogue: Catalogue, signature: CallSignature): Promise<Routine> {
  const found = pick(await catalogue.overloads(signature.name), signature)
  if (found !== undefined) return found
  const again = (await catalogue.reload())
    ? pick(await catalogue.overloads(signature.name), signature)
    : undefined
  if (again !== undefined) return again
  throw await notFound(catalogue, signature)
}

/** Named arguments first, then a function that takes the whole body. */
function pick(overloads: readonly Routine[], signature: CallSignature): Routine | undefined {
  const keys = new Set(signature.keys)
  const named = signature.bodyOnly ? [] : overloads.filter((routine) => takesKeys(routine, keys))
  const candidates = named.length > 0 ? named : overloads.filter((routine) => takesBody(routine, signature))
  if (candidates.length > 1) throw ambiguous(candidates)
  return candidates[0]
}

function takesKeys({ parameters }: Routine, keys: ReadonlySet<string>): boolean {
  const known = parameters.filter(({ name }) => keys.has(name)).length
  return known === keys.size && parameters.every(({ name, required }) => !required || keys.has(name))
}

export function takesBody({ parameters }: Routine, { bodyTypes }: CallSignature): boolean {
  const [only] = parameters
  return parameters.length === 1 && only?.name === '' && bodyTypes.includes(only.type)
}

function ambiguous(candidates: readonly Routine[]): RestError {
  const signatures = candidates.map(({ name, parameters }) => {
    const list = parameters.map((parameter) => `${parameter.name} => ${parameter.type}`)
    return `${EXPOSED_SCHEMA}.${name}(${list.join(', ')})`
  })
  return new RestError(
    'PGRST203',
    `Could not choose the best candidate function between: ${signatures.join(', ')}`,
    null,
    'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  )
}

async function notFound(catalogue: Catalogue, signature: CallSignature): Promise<RestError> {
  const { name, bodyTypes, bodyOnly } = signature
  const keys = signature.keys.toSorted()
  const qualified = `${EXPOSED_SCHEMA}.${name}`
  const list = keys.length === 0 ? ' without parameters' : `(${keys.join(', ')})`
  const named = keys.length === 0 ? list : ` with parameter${keys.length > 1 ? 's' : ''} ${keys.join(', ')}`
  const body = ` with a single unnamed ${bodyTypes.join('/')} parameter`
  const searched = bodyOnly ? body : bodyTypes.length > 0 ? `${named} or${body}` : named
  return new RestError(
    'PGRST202',
    `Could not find the function ${qualified}${bodyOnly ? '' : list} in the schema cache`,
    `Searched for the function ${qualified}${searched}, but no matches were found in the schema cache.`,
    bodyOnly ? null : await hintFor(catalogue, name, keys),
  )
}

/** The nearest name, or the nearest parameters of the same name. */
async function hintFor(catalogue: Catalogue, name: string, keys: readonly string[]): Promise<string | null> {
  const overloads = await catalogue.overloads(name)
  const lists = overloads.map((routine) =>
    inParentheses(routine.parameters.map((parameter) => parameter.name)),
  )
  const nearest =
    overloads.length === 0
      ? likeliest(name, catalogue.names())
      : likeliest(inParentheses(keys), lists, PARAMETERS_LIKENESS_MIN)
  if (nearest === undefined) return null
  const call = overloads.length === 0 ? nearest : `${name}${nearest}`
  return `Perhaps you meant to call the function ${EXPOSED_SCHEMA}.${call}`
}

const PARAMETERS_LIKENESS_MIN = 0.33

function inParentheses(names: readonly string[]): string {
  return `(${names.toSorted().join(', ')})`
}
