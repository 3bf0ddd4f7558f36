import { invalidRequest } from './refusal.ts'

/** A form in Stripe's bracket notation, `line_items[0][quantity]=2`, as a tree; lists have the keys 0, 1, … */
export type Value = string | Fields
export type Fields = ReadonlyMap<string, Value>

/** More than 100 lines with every parameter need. */
const PAIRS_MAX = 5_000
const DEPTH_MAX = 8

export function readForm(text: string): Fields {
  const root: Tree = new Map()
  let pairs = 0
  for (const [name, value] of new URLSearchParams(text)) {
    pairs += 1
    if (pairs > PAIRS_MAX) throw invalidRequest(`A request has at most ${PAIRS_MAX} parameters.`)
    place(root, path(name), value, name)
  }
  return root
}

/** The same for every order of the same parameters. */
export function canonical(text: string): string {
  const pairs = [...new URLSearchParams(text)].map(([name, value]) => JSON.stringify([name, value]))
  return pairs.sort().join()
}

type Tree = Map<string, string | Tree>

function path(name: string): readonly string[] {
  const [, first = '', rest = ''] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name) ?? []
  const steps = [first, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map(([, step = '']) => step)]
  if (first === '' || steps.length > DEPTH_MAX) throw invalidRequest(`Invalid parameter name: ${name}`, name)
  return steps
}

function place(root: Tree, steps: readonly string[], value: string, name: string): void {
  let at = root
  for (const step of steps.slice(0, -1)) {
    const next = at.get(step) ?? new Map()
    if (typeof next === 'string') throw invalidRequest(`Invalid hash: ${name}`, name)
    at.set(step, next)
    at = next
  }
  const last = steps.at(-1) ?? ''
  at.set(last === '' ? String(at.size) : last, value)
}
