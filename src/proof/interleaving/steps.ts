import type { Client } from 'pg'
import { type Arena, type Call, type IsolationLevel, SESSIONS_MAX, type World } from './race.ts'
import type { Answer, Step, SteppedSession } from './step-through.ts'

/** A world's sessions on connections of the arena: BEGIN, the calls, COMMIT. */
export function steppedSessions(
  { runners }: Arena,
  world: World,
  isolation: IsolationLevel,
): readonly SteppedSession[] {
  return world.sessions.map(({ calls }, at) => {
    const runner = runners[at]
    if (runner === undefined) throw new Error(`a race has at most ${SESSIONS_MAX} sessions`)
    const steps = [beginAt(isolation), ...calls.map(stepOf), COMMIT]
    return { ...runner, steps: world.sessions.length < SESSIONS_MAX ? steps : withBegin(steps) }
  })
}

/** What one session was told: of a transaction that an error ended, the error is all that is left. */
export function toldTo(answers: readonly Answer[]): string {
  const raised = answers.find((answer) => answer.raised)
  return raised?.said ?? answers.flatMap(({ said }) => (said === '' ? [] : [said])).join(' + ')
}

/** BEGIN takes no snapshot, the first statement does: above READ COMMITTED that is one of its own, so that it can be older. */
function beginAt(isolation: IsolationLevel): Step {
  const isOlder = isolation !== 'read committed'
  return {
    name: isOlder ? 'begin, snapshot' : 'begin',
    run: (client) => silent(client, `begin isolation level ${isolation}${isOlder ? '; select' : ''}`),
  }
}

const COMMIT: Step = { name: 'commit', run: (client) => silent(client, 'commit') }

async function silent(client: Client, sql: string): Promise<string> {
  await client.query(sql)
  return ''
}

/** BEGIN and the first call in one step: three sessions have 90 orders then, instead of 1,680. */
function withBegin([begin, call, ...rest]: readonly Step[]): readonly Step[] {
  if (begin === undefined || call === undefined) throw new Error('a session begins and calls')
  const run = async (client: Client) => {
    await begin.run(client)
    return call.run(client)
  }
  return [{ name: `${begin.name}, ${call.name}`, run }, ...rest]
}

function stepOf({ name, sql, values = [], told = codeOf }: Call): Step {
  return {
    name,
    run: async (client) => told(Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0]),
  }
}

interface VerbAnswer {
  readonly success?: boolean
  readonly error_code?: string
  readonly error?: string
  readonly duplicate?: boolean
  readonly outcome?: string
}

function codeOf(answer: unknown): string {
  const { success, error_code, error, duplicate, outcome } = (answer ?? {}) as VerbAnswer
  if (success !== true) return error_code ?? error ?? 'no code'
  return duplicate === true ? 'duplicate' : (outcome ?? 'success')
}
