import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { EdgeFunction } from '../../src/api/functions/contract.ts'
import { functions } from '../../src/api/functions/index.ts'
import { refusalsOf } from '../../src/api/functions/refusals.ts'
import { PLAIN } from '../../src/api/functions/wording.ts'
import { restStatuses, sqlStatuses } from '../../src/api/rest/errors.ts'
import { IDEMPOTENCY_KEY_LENGTH_MAX } from '../../src/core/limits.ts'
import { REFUSALS, type RefusalCode } from '../../src/core/refusals.ts'
import type { Definition } from '../../src/desk/verb.ts'
import { VERBS } from '../../src/desk/verbs.ts'
import { camelCase, firstSentence, functionDocs } from './functions.ts'
import { purposeOf, verbsOf } from './verbs.ts'

/** The OpenAPI document: every function, and every verb with a door, as their schemas and the registry have them. */
export function openapiJson(): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Admit Once',
      version,
      summary: 'Sells every ticket once, takes every payment once, admits every ticket once.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'functions', description: 'Under `/functions/v1`. No API key is needed.' },
      { name: 'verbs', description: 'SQL functions, called as on Supabase. What they refuse is an answer.' },
    ],
    paths: Object.fromEntries([...functionPaths(), ...verbPaths()]),
    components: {
      securitySchemes: {
        apikey: { type: 'apiKey', in: 'header', name: 'apikey' },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
      schemas: { RestError: schemaOf(restError), GatewayError: schemaOf(gatewayError) },
      responses: {
        RestError: response("PostgREST's error.", ref('schemas/RestError')),
        Stranger: response('No key, an unknown one, or a token that does not hold.', {
          anyOf: [ref('schemas/GatewayError'), ref('schemas/RestError')],
        }),
      },
    },
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

type Json = Readonly<Record<string, unknown>>
type Path = readonly [path: string, item: Json]

function functionPaths(): Path[] {
  const docOf = functionDocs()
  return [...functions].map(([name, edge]) => {
    const methods = edge.methods.filter((method) => method !== 'HEAD')
    const operations = methods.map((method) => [
      method.toLowerCase(),
      functionOperation(name, method, edge, docOf(name)),
    ])
    return [`/functions/v1/${name}`, Object.fromEntries(operations)]
  })
}

function functionOperation(name: string, method: string, edge: EdgeFunction, doc: string): Json {
  const { body, query, isKeyed, answer, needs, methods } = edge
  const parameters = [...(query === undefined ? [] : queryParameters(query)), ...(isKeyed ? [KEY] : [])]
  const isOnly = methods.filter((other) => other !== 'HEAD').length === 1
  return {
    operationId: camelCase(isOnly ? name : `${name}-${method.toLowerCase()}`),
    tags: ['functions'],
    summary: firstSentence(doc).replaceAll(/\s+/g, ' '),
    description: doc,
    security: needs === undefined ? [{}, { bearer: [] }] : [{ bearer: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: content(schemaOf(body, 'input')) } }),
    responses: { 200: response('Done.', schemaOf(answer)), ...notModified(name), ...refusedResponses(edge) },
  }
}

/** One answer a status, with the codes that it may have. */
function refusedResponses(edge: EdgeFunction): Json {
  const { schemaOf: worded } = edge.wording ?? PLAIN
  const byStatus = Map.groupBy(refusalsOf(edge), (code) => REFUSALS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [status, refused(codes, schemaOf(worded(codes)))]),
  )
}

function refused(codes: readonly RefusalCode[], schema: Json): Json {
  const told = codes.map((code) => `\`${code}\`: ${REFUSALS[code].message}`).join('\n\n')
  const waits = codes.some((code) => 'retryAfterSeconds' in REFUSALS[code])
  return { ...response(told, schema), ...(waits ? { headers: { 'Retry-After': RETRY_AFTER } } : {}) }
}

/** What a gate has is still so. */
function notModified(name: string): Json {
  return name === 'gate-list' ? { 304: { description: 'The list of `If-None-Match` still stands.' } } : {}
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, Json>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

const KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A call that is sent again under the same key is the same call, and is answered as the first was.',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: IDEMPOTENCY_KEY_LENGTH_MAX,
    pattern: '^[\\x20-\\x7e]+$',
  },
}

const RETRY_AFTER = { description: 'Seconds.', schema: { type: 'integer', minimum: 1 } }

function verbPaths(): Path[] {
  return verbsOf()
    .filter(({ hasDoor }) => hasDoor)
    .map(({ name, header, roles }) => {
      const definition = VERBS.get(name)
      if (definition === undefined) throw new Error(`${name} is not in the registry of verbs`)
      return [`/rest/v1/rpc/${name}`, { post: verbOperation(definition, header, roles) }]
    })
}

function verbOperation(definition: Definition, header: string, roles: string): Json {
  const { name, parameters } = definition
  const given = doorParameters(name).map((parameter) => {
    const { schema, isOptional } = parameters[parameter.replace('p_', '')] ?? noParameter(name, parameter)
    return [parameter, isOptional ? schema.nullish() : schema]
  })
  const body = schemaOf(z.strictObject(Object.fromEntries(given)), 'input')
  return {
    operationId: camelCase(name),
    tags: ['verbs'],
    summary: purposeOf(header).replaceAll(/\s+/g, ' '),
    description: `For ${roles}.\n\n${header}`,
    security: [{ apikey: [] }, { apikey: [], bearer: [] }],
    requestBody: { required: true, content: content(body) },
    responses: { ...verbAnswer(definition), ...restResponses() },
  }
}

/** The door may take less than the verb behind it. */
function doorParameters(name: string): readonly string[] {
  const doors = readFileSync('sql/public.sql', 'utf8')
  const [, list = ''] = new RegExp(`function public\\.${name}\\(([\\s\\S]*?)\\)\\s*returns`).exec(doors) ?? []
  return [...list.matchAll(/\bp_\w+(?= \w)/g)].map(([parameter]) => parameter)
}

function noParameter(verb: string, parameter: string): never {
  throw new Error(`${verb} has no ${parameter} in the registry of verbs`)
}

function verbAnswer({ name, returns, answer, refusals }: Definition): Json {
  if (returns === 'nothing') return { 204: { description: 'Done.' } }
  if (answer === undefined) throw new Error(`${name} has a door and no schema of its answer`)
  const told = refusals.map((code) => `\`${code}\`: ${REFUSALS[code].message}`)
  const schema = schemaOf(givenBy({ returns, answer, refusals }))
  return { 200: response(['Done, or refused.', ...told].join('\n\n'), schema) }
}

/** What a verb's door gives with 200: its answer, or a refusal. */
export function givenBy({
  returns,
  answer,
  refusals,
}: Pick<Definition, 'returns' | 'refusals'> & { readonly answer: z.ZodType }): z.ZodType {
  if (returns === 'rows') return z.array(answer)
  return returns === 'answer' ? z.union([answer, ...refusedVerb(refusals)]) : answer
}

/** A code and a sentence; where several tiers were asked for, the code is `error_code` and the sentence `error`. */
function refusedVerb(codes: readonly RefusalCode[]): readonly z.ZodType[] {
  const success = z.literal(false)
  return [
    z.looseObject({ success, error: z.enum(codes), message: z.string() }),
    z.looseObject({ success, error_code: z.enum(codes), error: z.string() }),
  ]
}

const restError = z.object({
  code: z.string(),
  message: z.string(),
  details: z.union([z.string(), z.array(z.unknown())]).nullable(),
  hint: z.string().nullable(),
})
/** Who shows no key that is known meets the gateway. */
const gatewayError = z.object({ message: z.string(), hint: z.string() })

/** Statuses of PostgREST that a call of a function may have. */
function restResponses(): Json {
  const statuses = [...Object.values(restStatuses), ...sqlStatuses.map(([, status]) => status), 429]
  const some = [...new Set(statuses)].filter((status) => status >= 400).sort((a, b) => a - b)
  return Object.fromEntries(
    some.map((status) => [status, ref(status === 401 ? 'responses/Stranger' : 'responses/RestError')]),
  )
}

function ref(component: string): Json {
  return { $ref: `#/components/${component}` }
}

function response(description: string, schema: Json): Json {
  return { description, content: content(schema) }
}

function content(schema: Json): Json {
  return { 'application/json': { schema } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // A format says it in one word.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
    },
  })
  return json
}
