/** What a document is asked; its nodes may be anything that stands for them. Runs in guests too, whose documents are the host's. */
export interface Dom<Node> {
  parse(html: string): Node
  /** Below the nodes, in their order. */
  find(nodes: readonly Node[], selector: string): readonly Node[]
  /** Those of the nodes that match. */
  matching(nodes: readonly Node[], selector: string): readonly Node[]
  /** From each node, the nearest first, up to what stands there if it is met. */
  walk(nodes: readonly Node[], way: Way, until: string | readonly Node[] | null): readonly Node[]
  /** Those of the nodes that have one of the others in them. */
  holding(nodes: readonly Node[], inner: readonly Node[]): readonly Node[]
  text(nodes: readonly Node[]): string
  /** What stands inside. */
  html(node: Node): string
  facts(node: Node): Facts
  resolve(base: string, reference: string): string
  /** Ends the run with the name of what is not there. */
  refuse(what: string, instead: string): never
}

export type Way =
  | 'self'
  | 'parent'
  | 'parents'
  | 'next'
  | 'nextAll'
  | 'prev'
  | 'prevAll'
  | 'siblings'
  | 'children'
  | 'contents'

export interface Facts {
  readonly name: string
  /** As browsers number them: 1 is an element. */
  readonly type: number
  readonly attributes: Readonly<Record<string, string>>
}

/** What an element asks of the selection that has only it. */
export interface Single {
  size(): number
  get(at?: number): unknown
  text(): string
  html(): string
  is(selector: string): boolean
  has(target: unknown): Single
  find(selector: string): Single
  contents(): Single
  children(): Single
  prev(): Single
  next(): Single
  parent(): Single
}
