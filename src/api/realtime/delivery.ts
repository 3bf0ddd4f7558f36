import type { Change } from '../../db/feed.ts'
import type { Database } from '../../db/pool.ts'
import { type Key, type Look, visibleRows } from '../../desk/visible-rows.ts'
import type { Catalogue } from '../rest/catalogue.ts'
import type { Relation } from '../rest/relations.ts'
import type { Subscriber } from './audience.ts'
import { type Outgoing, outgoingJson } from './outgoing.ts'
import { dataOf } from './records.ts'

export interface DeliveryOptions {
  readonly database: Database
  readonly catalogue: Catalogue
}

/** A change, and who asked for it, with the ids of the bindings that it fits. */
export interface Asked {
  readonly change: Change
  readonly asking: ReadonlyMap<Subscriber, readonly number[]>
}

/** A change that is told to those of its hearers who may see its row. */
interface Heard {
  readonly change: Change
  readonly relation: Relation
  readonly key: string
  readonly hearers: readonly Hearer[]
}

interface Hearer {
  readonly subscriber: Subscriber
  readonly role: string
  readonly ids: readonly number[]
  /** Undefined where nobody has to look. */
  readonly sight: Sight | undefined
}

/** What one caller looks for in one table, and what row level security shows of it. */
interface Sight {
  readonly claims: string
  readonly wanted: Map<string, Key>
  seen: ReadonlySet<string>
}

/** The sights of one role in one table, by claims. */
interface Outlook {
  readonly role: string
  readonly change: Change
  readonly relation: Relation
  readonly sights: Map<string, Sight>
}

/** Tells each change to whoever asked for it and may see it: one look at the database for each role and table. */
export async function deliver(
  batch: readonly Asked[],
  { database, catalogue }: DeliveryOptions,
): Promise<void> {
  const { tables } = await catalogue.relations()
  const outlooks = new Map<string, Outlook>()
  const heard = batch.flatMap(({ change, asking }) => {
    const relation = tables.get(change.table)
    if (relation === undefined || asking.size === 0) return []
    const key = JSON.stringify(keyOf(change))
    const hearers = [...asking].map(([subscriber, ids]): Hearer => {
      const { role, claims } = subscriber.caller
      const sight = isOpen(change, role) ? undefined : sightOf(outlooks, role, claims, change, relation)
      sight?.wanted.set(key, keyOf(change))
      return { subscriber, role, ids, sight }
    })
    return [{ change, relation, key, hearers }]
  })
  const commits = new Set(batch.map(({ change }) => change.xid))
  await look([...outlooks.values()], [...commits], database)
  for (const one of heard) tell(one)
}

/** The service role is shown everything, and of a deletion there is nothing to see. */
function isOpen({ type }: Change, role: string): boolean {
  return type === 'DELETE' || role === 'service_role'
}

function sightOf(
  outlooks: Map<string, Outlook>,
  role: string,
  claims: string,
  change: Change,
  relation: Relation,
): Sight {
  const name = `${role} ${relation.name}`
  const outlook = outlooks.get(name) ?? { role, change, relation, sights: new Map<string, Sight>() }
  outlooks.set(name, outlook)
  const sight = outlook.sights.get(claims) ?? {
    claims,
    wanted: new Map<string, Key>(),
    seen: new Set<string>(),
  }
  outlook.sights.set(claims, sight)
  return sight
}

/** One question for all of them, and its answers where they belong. Rows without a key cannot be looked for: nobody is shown them. */
async function look(
  outlooks: readonly Outlook[],
  commits: readonly number[],
  database: Database,
): Promise<void> {
  const readable = outlooks.filter(
    ({ role, change, relation }) =>
      change.keyNames.length > 0 &&
      [...relation.columns.values()].some(({ readers }) => readers.includes(role)),
  )
  if (readable.length === 0) return
  const looks = readable.map(
    ({ role, change, relation, sights }): Look => ({
      role,
      table: relation.name,
      columns: change.keyNames.map((name) => ({ name, type: relation.columns.get(name)?.type ?? 'text' })),
      asks: [...sights.values()].map(({ claims, wanted }) => ({ claims, keys: [...wanted.values()] })),
    }),
  )
  const answers = await visibleRows(looks, commits, database)
  const looking = readable.flatMap(({ sights }) => [...sights.values()])
  for (const [n, sight] of looking.entries()) {
    sight.seen = new Set(answers[n]?.map((found) => JSON.stringify(found)))
  }
}

function tell({ change, relation, key, hearers }: Heard): void {
  const data = new Map<string, string | undefined>()
  const written = new Map<string, Outgoing>()
  for (const { subscriber, role, ids, sight } of hearers) {
    if (sight !== undefined && !sight.seen.has(key)) continue
    if (!data.has(role)) data.set(role, JSON.stringify(dataOf(change, relation, role)))
    const known = data.get(role)
    // Nothing of this table is theirs to read.
    if (known === undefined) continue
    const { topic } = subscriber
    const name = `${role} ${ids.join(',')} ${topic}`
    const message =
      written.get(name) ??
      outgoingJson(topic, 'postgres_changes', `{"ids":[${ids.join(',')}],"data":${known}}`)
    written.set(name, message)
    subscriber.deliver(message)
  }
}

function keyOf({ keyNames, record }: Change): Key {
  return keyNames.map((name) => record?.[name] ?? '')
}
