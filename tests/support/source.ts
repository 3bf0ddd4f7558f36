import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface Source {
  readonly file: string
  readonly text: string
}

export function sourcesOf(...patterns: readonly string[]): Source[] {
  return globSync([...patterns]).map((file) => ({
    file: file.replaceAll('\\', '/'),
    text: readFileSync(file, 'utf8'),
  }))
}

/** Without its comments, in TypeScript and in SQL. */
export function codeOf({ text }: Source): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*(\/\/|--).*$/gm, '')
}

export interface Import {
  readonly file: string
  /** A path from the root of the repository, or what a package is called. */
  readonly to: string
}

/** Everything that a file names as a module: imports and exports, of types too, and `import()` as value and as type. */
export function importsOf({ file, text }: Source): Import[] {
  const found = nodesOf({ file, text }).flatMap(({ node }) => specifierOf(node))
  return found.map((to) => ({ file, to: to.startsWith('.') ? normalize(join(dirname(file), to)) : to }))
}

interface Fn {
  readonly file: string
  readonly line: number
  readonly lines: number
  /** The body of a `describe` or a `suite` is a table of contents, not a function that is read as one. */
  readonly isSuite: boolean
}

export function functionsOf({ file, text }: Source): Fn[] {
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length
  return nodesOf({ file, text })
    .filter(({ node }) => /^(Arrow)?Function/.test(node.type) && node['body'] != null)
    .map(({ node, parent }) => {
      const line = lineAt(node.start)
      return { file, line, lines: lineAt(node.end) - line + 1, isSuite: isSuite(parent) }
    })
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface Visited {
  readonly node: Node
  readonly parent: Node | undefined
}

/** The syntax tree as a list. Fails where the file cannot be parsed: what is not read is not checked. */
function nodesOf({ file, text }: Source): Visited[] {
  const { program, errors } = parseSync(file, text)
  const [error] = errors
  if (error !== undefined) throw new Error(`${file}: ${error.message}`)
  const visited: Visited[] = []
  const visit = (value: unknown, parent: Node | undefined) => {
    if (Array.isArray(value)) for (const item of value) visit(item, parent)
    else if (isNode(value)) {
      visited.push({ node: value, parent })
      for (const child of Object.values(value)) visit(child, value)
    }
  }
  visit(program, undefined)
  return visited
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

const NAMES_A_MODULE =
  /^(ImportDeclaration|ExportNamedDeclaration|ExportAllDeclaration|ImportExpression|TSImportType)$/

function specifierOf(node: Node): string[] {
  if (!NAMES_A_MODULE.test(node.type)) return []
  const source = node['source'] ?? node['argument']
  const literal = isNode(source) && source.type === 'TSLiteralType' ? source['literal'] : source
  return isNode(literal) && typeof literal['value'] === 'string' ? [literal['value']] : []
}

function isSuite(parent: Node | undefined): boolean {
  const callee = parent?.type === 'CallExpression' ? parent['callee'] : undefined
  return isNode(callee) && /^(describe|suite)$/.test(String(callee['name']))
}
