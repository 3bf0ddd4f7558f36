import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { deriveKeys, mintToken } from '../../src/api/keys.ts'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { findEngines } from '../../src/load/engine.ts'
import { type Question, questionsOf } from './questions.ts'

const CLIENTS = 8
const ROUNDS = 5
const WINDOW_S = 2
const JWT_SECRET = 'of a bench, and of no secret at all'
const ORGANISER = '00000000-0000-4000-8000-000000000001'

/** Whoever ordered last bought something. */
const BUYER = `select user_id as user from orders order by created_at desc limit 1`

interface Asked extends Question {
  readonly headers: Readonly<Record<string, string>>
  /** The same by pgbench: role, claims and statement in one round trip. */
  readonly file: string
  readonly http: number[]
  readonly plain: number[]
}

const keys = await deriveKeys(JWT_SECRET)
const { database: engine } = await findEngines()
const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
const folder = await mkdtemp(join(tmpdir(), 'admit-once-bench-'))
const given = process.env['DATABASE_URL']
const cluster =
  given === undefined ? await startEmbedded({ dataFolder: join(folder, 'data'), ephemeral: true }) : undefined
const databaseUrl = given ?? cluster?.url ?? ''
try {
  await measure()
} finally {
  agent.destroy()
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => {})
  await client.connect()
  await fill(client)
  const server = await serve(process.argv[2] ?? '.')
  try {
    const asked = await Promise.all((await questions(client)).map(prepare))
    for (const question of asked) await compare(question, server.url, client)
    console.log(
      `${CLIENTS} clients, ${ROUNDS} rounds by turns of ${WINDOW_S} s, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}; reads/s, medians`,
    )
    for (let round = 0; round < ROUNDS; round++) for (const one of asked) await playRound(one, server.url)
    for (const one of asked) print(one)
    console.log(`load afterwards ${loadavg()[0]?.toFixed(1)}`)
  } finally {
    await client.end()
    await server.stop()
  }
}

/** A million tickets, unless they are there from another run. */
async function fill(client: pg.Client): Promise<void> {
  await migrate(client)
  if (await isFilled(client)) return
  const text = await readFile(new URL('fill.sql', import.meta.url), 'utf8')
  await client.query(text.replaceAll(":'organiser'", `'${ORGANISER}'`))
  // Triggers that were disabled are protections again.
  await migrate(client)
  await client.query('vacuum analyze')
  assert.ok(await isFilled(client))
}

async function isFilled(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ tickets: number }>('select count(*)::int as tickets from tickets')
  return rows[0]?.tickets === 1_000_000
}

async function serve(root: string) {
  const { serveFrom } = (await import(pathToFileURL(join(resolve(root), 'src/cli/serve-from.ts')).href)) as {
    serveFrom(
      databaseUrl: string,
      jwtSecret: string,
      environment: Readonly<Record<string, string>>,
    ): Promise<{ readonly url: string; stop(): Promise<void> }>
  }
  return serveFrom(databaseUrl, JWT_SECRET, { ADMIT_ONCE_HOME: join(folder, 'home') })
}

async function questions(client: pg.Client): Promise<readonly Question[]> {
  const { rows } = await client.query<{ event: string; today: string }>(
    `select id as event, to_char(now() - interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as today from events where slug = 'event-1'`,
  )
  const [{ event, today } = { event: '', today: '' }] = rows
  return questionsOf(event, today)
}

async function prepare(question: Question, n: number): Promise<Asked> {
  const { role, claims, headers } = await callerOf(question.as)
  const local = `select set_config('role', '${role}', true), set_config('request.jwt.claims', '${claims}', true)`
  const parts = [local, answerOf(question), ...(question.counted === undefined ? [] : [question.counted])]
  const file = join(folder, `question-${n}.sql`)
  await writeFile(file, `${parts.map((part) => part.replaceAll(/\s+/g, ' ')).join('\\; ')};\n`)
  const prefer = question.counted === undefined ? {} : { Prefer: 'count=exact' }
  return { ...question, headers: { ...headers, ...prefer }, file, http: [], plain: [] }
}

function answerOf({ sql }: Question): string {
  return `select coalesce(json_agg(r), '[]')::text as answer from (${sql}) r`
}

async function callerOf(as: Question['as']) {
  const named = async (role: string, sub: string) => ({
    role,
    claims: JSON.stringify({ sub, role }),
    headers: { apikey: keys.publishable, Authorization: `Bearer ${await mintToken(JWT_SECRET, { sub })}` },
  })
  const keyed = (role: string, key: string) => ({
    role,
    claims: JSON.stringify({ role }),
    headers: { apikey: key },
  })
  switch (as) {
    case 'organiser':
      return named('authenticated', ORGANISER)
    case 'buyer':
      return named('authenticated', await buyer())
    case 'anon':
      return keyed('anon', keys.publishable)
    case 'service':
      return keyed('service_role', keys.secret)
  }
}

async function buyer(): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ user: string }>(BUYER).finally(() => client.end())
  return rows[0]?.user ?? ''
}

/** Both ways give the same rows, and some. */
async function compare(question: Asked, url: string, client: pg.Client): Promise<void> {
  const { role, claims } = await callerOf(question.as)
  await client.query(`begin; set local role ${role}; set local request.jwt.claims = '${claims}'`)
  const { rows } = await client.query<{ answer: string }>(answerOf(question))
  const counted =
    question.counted === undefined
      ? undefined
      : (await client.query<{ count: string }>(question.counted)).rows[0]
  await client.query('rollback')
  const answer = await get(`${url}/rest/v1/${question.path}`, question.headers)
  const expected = JSON.parse(rows[0]?.answer ?? '[]') as unknown[]
  assert.ok(expected.length > 0, question.name)
  assert.deepEqual(JSON.parse(answer.text), expected, question.name)
  if (counted !== undefined) assert.equal(answer.range.split('/')[1], counted.count, question.name)
}

async function playRound(question: Asked, url: string): Promise<void> {
  const run = await engine.run({
    scripts: [{ file: question.file, weight: 1 }],
    url: databaseUrl,
    clients: CLIENTS,
    threads: 2,
    seconds: WINDOW_S,
    defines: {},
    timeoutMs: (WINDOW_S + 30) * 1000,
  })
  question.plain.push(run.tps)
  const startMs = performance.now()
  const endMs = startMs + WINDOW_S * 1000
  let count = 0
  const user = async () => {
    while (performance.now() < endMs) {
      await get(`${url}/rest/v1/${question.path}`, question.headers)
      count++
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, user))
  question.http.push(count / ((performance.now() - startMs) / 1000))
}

interface Answer {
  readonly text: string
  readonly range: string
}

function get(url: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((done, fail) => {
    const asking = request(url, { agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('end', () => {
        const text = String(Buffer.concat(chunks))
        const isOk = response.statusCode === 200 || response.statusCode === 206
        if (isOk) done({ text, range: String(response.headers['content-range']) })
        else fail(new Error(`${url} answered ${response.statusCode}: ${text}`))
      })
    })
    asking.once('error', fail)
    asking.end()
  })
}

function print({ name, http, plain }: Asked): void {
  const ratios = http.map((rate, n) => rate / (plain[n] ?? Number.NaN)).toSorted((a, b) => a - b)
  const [least, most] = [ratios[0], ratios.at(-1)].map((ratio) => ratio?.toFixed(2))
  console.log(
    `${name.padEnd(42)} HTTP ${median(http).toFixed(0).padStart(6)}   pgbench ${median(plain).toFixed(0).padStart(6)}   ratio ${median(ratios).toFixed(2)} (${least} to ${most})`,
  )
}

function median(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? Number.NaN
}
