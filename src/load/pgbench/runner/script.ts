import { type Expression, parseExpression } from './expression.ts'
import { type RawCommand, ScriptRefused, scanScript } from './scan.ts'
import { isVariableName } from './variables.ts'

/** A script, ready to run. */
export type Step =
  | SqlStep
  | { readonly kind: 'set'; readonly line: number; readonly name: string; readonly value: Expression }
  | { readonly kind: 'if'; readonly line: number; readonly branches: Branch[] }
  | { readonly kind: 'sleep'; readonly line: number; readonly amount: string; readonly unitMs: number }

export interface SqlStep {
  readonly kind: 'sql'
  readonly line: number
  readonly text: string
  gsetPrefix?: string
}

interface Branch {
  /** Undefined in `\else`. */
  readonly condition: Expression | undefined
  readonly steps: Step[]
}

/**
 * Parses a pgbench script: SQL, `\set`, `\if`, `\elif`, `\else`, `\endif`, `\gset` and `\sleep`.
 * Throws `ScriptRefused` with file, line and name of anything else, before anything runs.
 */
export function parseScript(source: string, file: string): readonly Step[] {
  const reader: Reader = { steps: [], open: [] }
  for (const command of scanScript(source, file)) {
    try {
      readCommand(reader, command)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ScriptRefused(`${file}:${command.line}: ${reason}`)
    }
  }
  const unclosed = reader.open.at(-1)
  if (unclosed !== undefined) throw new ScriptRefused(`${file}:${unclosed.line}: \\if without \\endif`)
  if (reader.steps.length === 0) throw new ScriptRefused(`${file}:1: the script has no commands`)
  return reader.steps
}

type If = Extract<Step, { kind: 'if' }>

interface Reader {
  readonly steps: Step[]
  readonly open: If[]
}

function readCommand(reader: Reader, { kind, text, line }: RawCommand): void {
  if (kind === 'sql') {
    current(reader).push({ kind, line, text })
    return
  }
  const [word = ''] = text.split(/\s/, 1)
  const rest = text.slice(word.length).trim()
  const read = META_COMMANDS.get(word.toLowerCase())
  if (read === undefined) throw new Error(`\\${word} is not supported`)
  read(reader, rest, line)
}

const META_COMMANDS: ReadonlyMap<string, (reader: Reader, rest: string, line: number) => void> = new Map([
  ['set', readSet],
  ['gset', readGset],
  ['sleep', readSleep],
  ['if', readIf],
  ['elif', (reader, rest) => addBranch(reader, '\\elif', parseExpression(rest))],
  ['else', readElse],
  ['endif', readEndif],
])

function readSet(reader: Reader, rest: string, line: number): void {
  const [name = ''] = rest.split(/\s/, 1)
  if (!isVariableName(name)) throw new Error(`\\set: invalid variable name "${name}"`)
  current(reader).push({ kind: 'set', line, name, value: parseExpression(rest.slice(name.length)) })
}

function readGset(reader: Reader, rest: string): void {
  const target = current(reader).at(-1)
  if (target?.kind !== 'sql' || target.gsetPrefix !== undefined) {
    throw new Error('\\gset must follow an SQL command')
  }
  if (/\s/.test(rest)) throw new Error(`\\gset takes one prefix, not "${rest}"`)
  target.gsetPrefix = rest
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1000],
])

function readSleep(reader: Reader, rest: string, line: number): void {
  const [, amount, unit = 's'] = /^(\d+|:\S+)\s*(\S+)?$/.exec(rest) ?? []
  const unitMs = UNIT_MS.get(unit.toLowerCase())
  if (amount === undefined || unitMs === undefined) {
    throw new Error(`\\sleep takes a whole number or :variable, and us, ms or s, not "${rest}"`)
  }
  current(reader).push({ kind: 'sleep', line, amount, unitMs })
}

function readIf(reader: Reader, rest: string, line: number): void {
  const step: If = { kind: 'if', line, branches: [{ condition: parseExpression(rest), steps: [] }] }
  current(reader).push(step)
  reader.open.push(step)
}

function readElse(reader: Reader, rest: string): void {
  if (rest !== '') throw new Error(`\\else takes no argument, not "${rest}"`)
  addBranch(reader, '\\else', undefined)
}

function readEndif(reader: Reader, rest: string): void {
  if (rest !== '') throw new Error(`\\endif takes no argument, not "${rest}"`)
  if (reader.open.pop() === undefined) throw new Error('\\endif without \\if')
}

function addBranch(reader: Reader, word: string, condition: Expression | undefined): void {
  const branches = reader.open.at(-1)?.branches
  if (branches === undefined) throw new Error(`${word} without \\if`)
  if (branches.at(-1)?.condition === undefined) throw new Error(`${word} after \\else`)
  branches.push({ condition, steps: [] })
}

function current(reader: Reader): Step[] {
  return reader.open.at(-1)?.branches.at(-1)?.steps ?? reader.steps
}
