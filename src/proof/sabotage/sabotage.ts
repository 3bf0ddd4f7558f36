import type { Client } from 'pg'
import { functionsOf } from '../../core/guarantee.ts'
import { GUARANTEES, type Guarantee, type Protection } from '../../core/guarantees.ts'
import type { SabotageResult } from '../results.ts'
import type { AttackDatabases, RunDatabase } from '../run-databases.ts'
import type { AttackResult } from './attack.ts'
import { ATTACKS } from './attacks/index.ts'

/** One thing to take away, and what must be seen then. */
export interface Removal {
  readonly guarantee: Guarantee
  readonly removed: readonly Protection[]
  readonly kind: SabotageResult['kind']
}

/**
 * Every removal that the design asks for, of the guarantees that have an attack: each refusing protection alone, each
 * counting trigger alone, and all refusing ones together. A protection that is needed by itself must be missed by itself.
 */
export function removals(guarantees: readonly Guarantee[] = GUARANTEES): Removal[] {
  return guarantees
    .filter((guarantee) => ATTACKS[guarantee.name] !== undefined)
    .flatMap((guarantee) => {
      const refusing = guarantee.protections.filter((p) => p.role === 'refuses')
      const aloneKind = guarantee.refusesAlone ? ('one alone' as const) : ('one refusing' as const)
      const counting = guarantee.protections.filter((p) => p.role === 'counts')
      return [
        ...refusing.map((p) => ({ guarantee, removed: [p], kind: aloneKind })),
        ...counting.map((p) => ({ guarantee, removed: [p], kind: 'one counting' as const })),
        { guarantee, removed: refusing, kind: 'all refusing' as const },
      ]
    })
}

/** Whoever judges a database over HTTP: opened while nothing is missing, as no server sells without its protections. */
export interface HttpWitness {
  /** Whether it sees that the promise is broken; undefined where it broke off before it had looked everywhere. */
  look(): Promise<boolean | undefined>
  close(): Promise<void>
}

/** Undefined where no scenario judges the removal over HTTP. */
export type OpenHttpWitness = (removal: Removal, database: RunDatabase) => Promise<HttpWitness | undefined>

/**
 * Takes protections away in a database of its own, attacks it, and judges what the laws and verify_protections() say, and where
 * there is one what its witness over HTTP sees.
 */
export async function sabotage(
  databases: Pick<AttackDatabases, 'withClone'>,
  removal: Removal,
  seed: number,
  openWitness: OpenHttpWitness = async () => undefined,
): Promise<SabotageResult> {
  const attack = ATTACKS[removal.guarantee.name]
  if (attack === undefined) throw new Error(`no attack on ${removal.guarantee.name}`)
  return databases.withClone(async (database) => {
    const witness = await openWitness(removal, database)
    try {
      for (const protection of removal.removed) await takeAway(database.client, protection)
      const named = await namedByVerify(database.client, removal.removed)
      const result = await attack(database, seed)
      const laws = await brokenLaws(database.client)
      const seenOverHttp = await witness?.look()
      const brokeOff = witness !== undefined && seenOverHttp === undefined
      return judge(removal, { named, attack: result, laws, seenOverHttp, brokeOff })
    } finally {
      await witness?.close()
    }
  })
}

/** Takes one protection away as an operator's mistake would; a decision becomes the verb without its condition. */
export async function takeAway(client: Client, protection: Protection): Promise<void> {
  switch (protection.kind) {
    case 'trigger':
      await client.query(`alter table ${protection.object} disable trigger ${protection.name}`)
      return
    case 'constraint':
      await client.query(`alter table ${protection.object} drop constraint ${protection.name}`)
      return
    case 'index':
      await client.query(`drop index ${protection.object.split('.')[0]}.${protection.name}`)
      return
    case 'setting':
    case 'schema':
      await client.query(protection.without)
      return
    case 'decision':
      for (const [fn, fragment, replacement] of protection.without)
        await mutate(client, fn, fragment, replacement)
  }
}

async function mutate(client: Client, fn: string, fragment: string, replacement: string): Promise<void> {
  const found = await client.query<{ source: string }>('select pg_get_functiondef($1::regproc) as source', [
    fn,
  ])
  const parts = (found.rows[0]?.source ?? '').split(fragment)
  if (parts.length !== 2) throw new Error(`"${fragment}" occurs ${parts.length - 1} times in ${fn}, not once`)
  await client.query(parts.join(replacement))
}

/** Exactly these: a name too many would send the operator to the wrong place. */
async function namedByVerify(client: Client, removed: readonly Protection[]): Promise<boolean> {
  const { rows } = await client.query<{ protection: string; object: string }>(
    'select protection, object from verify_protections() where not active',
  )
  const named = rows.map(({ protection, object }) => `${protection} on ${object}`)
  const due = dueToBeNamed(removed).map(({ name, object }) => `${name} on ${object}`)
  return named.sort().join() === due.sort().join()
}

/** What was taken away, and what is made of the same functions: that is no longer what it was either. */
export function dueToBeNamed(removed: readonly Protection[]): Protection[] {
  const changed = new Set(removed.flatMap((p) => (p.kind === 'decision' ? p.without.map(([fn]) => fn) : [])))
  return GUARANTEES.flatMap(({ protections }) => protections).filter(
    (p) => removed.includes(p) || functionsOf(p).some((fn) => changed.has(fn)),
  )
}

interface BrokenLaw {
  readonly guarantee: string
  readonly law: string
  readonly witnesses: readonly unknown[]
}

async function brokenLaws(client: Client): Promise<readonly BrokenLaw[]> {
  return (await client.query<BrokenLaw>('select guarantee, law, witnesses from ticketing.broken_laws(1)'))
    .rows
}

interface Sight {
  readonly named: boolean
  readonly attack: AttackResult
  readonly laws: readonly BrokenLaw[]
  readonly seenOverHttp: boolean | undefined
  /** The witness over HTTP did not come to its end. */
  readonly brokeOff: boolean
}

function judge(removal: Removal, { named, attack, laws, seenOverHttp, brokeOff }: Sight): SabotageResult {
  const expected = removal.kind === 'one refusing' ? 'survives' : 'caught'
  const seen = seenIn(removal, expected, laws, attack)
  const problems = [
    ...(named ? [] : ['verify_protections() did not name exactly what is missing']),
    ...(seen === 'missed' ? ['no law saw it'] : []),
    ...(expected === 'caught' && seenOverHttp === false ? ['nobody saw it over HTTP'] : []),
    ...(seen === 'broken'
      ? [`the promise broke: ${laws.map((law) => law.law).join(', ') || 'two answers contradict each other'}`]
      : []),
    ...(expected === 'survives' && attack.refusals === 0
      ? ['the attack was never refused, so it shows nothing']
      : []),
    ...(expected === 'survives' && attack.verbErrors.length > 0
      ? [`a verb raised instead of answering: ${attack.verbErrors[0]}`]
      : []),
  ]
  const law = laws.find(({ guarantee }) => guarantee === removal.guarantee.name) ?? laws[0]
  const overHttp = brokeOff
    ? ', and the witness over HTTP broke off before it could tell'
    : seenOverHttp
      ? ', and so it was over HTTP'
      : ''
  const witness = law?.witnesses[0] ?? attack.contradictions[0]
  return {
    guarantee: removal.guarantee.name,
    removed: removal.removed.map((p) => p.name),
    kind: removal.kind,
    expected,
    seen,
    verdict: problems.length > 0 ? 'FAIL' : brokeOff ? 'INCONCLUSIVE' : 'PASS',
    laws: laws.map((law) => law.law),
    ...(witness === undefined ? {} : { witness }),
    ...(seenOverHttp === undefined ? {} : { seenOverHttp }),
    named,
    attempts: attack.attempts,
    outcomes: attack.outcomes,
    detail: problems.length === 0 ? goodDetail(seen, law, overHttp) : problems.join('; '),
  }
}

function goodDetail(seen: SabotageResult['seen'], law: BrokenLaw | undefined, overHttp: string): string {
  return seen === 'caught'
    ? `${law === undefined ? 'an answer was false' : `${law.law} saw it`}${overHttp}`
    : 'the others held'
}

/**
 * With one refusal less nothing may break: no law of any guarantee, and no two answers that contradict each other. Without a
 * counting trigger any law may catch it: a counter that drifts says "sold out" too early, or sells one too many. Without all
 * refusals the guarantee's own laws must.
 */
function seenIn(
  { guarantee, kind }: Removal,
  expected: SabotageResult['expected'],
  laws: readonly BrokenLaw[],
  { contradictions }: AttackResult,
): SabotageResult['seen'] {
  if (expected === 'survives') return laws.length + contradictions.length > 0 ? 'broken' : 'survived'
  const caught = kind === 'one counting' ? laws : laws.filter((law) => law.guarantee === guarantee.name)
  return caught.length + contradictions.length > 0 ? 'caught' : 'missed'
}
