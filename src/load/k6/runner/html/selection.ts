import type { Dom, Facts, Way } from './document.ts'
import { Element } from './element.ts'
import { encoded } from './encoded.ts'

type Test<Node> = (at: number, selection: Selection<Node>) => unknown

/** k6's Selection: nodes of a document, and how to get from them to others, named as in jQuery. */
export class Selection<Node> {
  readonly #dom: Dom<Node>
  readonly #nodes: readonly Node[]
  readonly #before: Selection<Node> | undefined

  constructor(dom: Dom<Node>, nodes: readonly Node[], before?: Selection<Node>) {
    this.#dom = dom
    this.#nodes = nodes
    this.#before = before
  }

  static parse<Node>(dom: Dom<Node>, html: unknown): Selection<Node> {
    return new Selection(dom, [dom.parse(String(html))])
  }

  find(target: unknown): Selection<Node> {
    if (typeof target === 'string') return this.#with(this.#dom.find(this.#nodes, target))
    const wanted = this.#given(target)
    return this.#with(wanted.filter((node) => this.#dom.holding(this.#nodes, [node]).length > 0))
  }

  add(target: unknown): Selection<Node> {
    const added = typeof target === 'string' ? this.#dom.find(this.#roots(), target) : this.#given(target)
    return this.#with([...new Set([...this.#nodes, ...added])])
  }

  filter(target: unknown): Selection<Node> {
    return this.#with(this.#matching(target, 'filter'))
  }

  not(target: unknown): Selection<Node> {
    const left = this.#matching(target, 'not')
    return this.#with(this.#nodes.filter((node) => !left.includes(node)))
  }

  is(target: unknown): boolean {
    return this.#matching(target, 'is').length > 0
  }

  has(target: unknown): Selection<Node> {
    const inner = typeof target === 'string' ? this.#dom.find(this.#nodes, target) : this.#given(target)
    return this.#with(this.#dom.holding(this.#nodes, inner))
  }

  closest(target: unknown): Selection<Node> {
    const nearest = this.#nodes.flatMap((node) => {
      const along = this.#dom.walk([node], 'self', null)
      const found = typeof target === 'string' ? this.#dom.matching(along, target) : this.#given(target)
      return along.filter((one) => found.includes(one)).slice(0, 1)
    })
    return this.#with([...new Set(nearest)])
  }

  next(selector?: string): Selection<Node> {
    return this.#walk('next', selector)
  }

  nextAll(selector?: string): Selection<Node> {
    return this.#walk('nextAll', selector)
  }

  nextUntil(until?: unknown, selector?: string): Selection<Node> {
    return this.#walk('nextAll', selector, until)
  }

  prev(selector?: string): Selection<Node> {
    return this.#walk('prev', selector)
  }

  prevAll(selector?: string): Selection<Node> {
    return this.#walk('prevAll', selector)
  }

  prevUntil(until?: unknown, selector?: string): Selection<Node> {
    return this.#walk('prevAll', selector, until)
  }

  parent(selector?: string): Selection<Node> {
    return this.#walk('parent', selector)
  }

  parents(selector?: string): Selection<Node> {
    return this.#walk('parents', selector)
  }

  parentsUntil(until?: unknown, selector?: string): Selection<Node> {
    return this.#walk('parents', selector, until)
  }

  siblings(selector?: string): Selection<Node> {
    return this.#walk('siblings', selector)
  }

  children(selector?: string): Selection<Node> {
    return this.#walk('children', selector)
  }

  contents(): Selection<Node> {
    return this.#walk('contents')
  }

  /** From the end where the place is negative. */
  eq(at: number): Selection<Node> {
    return this.#with(this.#nodes.slice(at).slice(0, 1))
  }

  first(): Selection<Node> {
    return this.eq(0)
  }

  last(): Selection<Node> {
    return this.eq(-1)
  }

  slice(start: number, end?: number): Selection<Node> {
    return this.#with(this.#nodes.slice(start, end))
  }

  /** The selection that this one was made of. */
  end(): Selection<Node> {
    return this.#before ?? this.#with([])
  }

  size(): number {
    return this.#nodes.length
  }

  get length(): number {
    return this.#nodes.length
  }

  get(at?: number): unknown {
    const elements = this.#nodes.map((node) => this.#element(node))
    return at === undefined ? elements : elements.at(at)
  }

  toArray(): readonly Selection<Node>[] {
    return this.#nodes.map((node) => this.#with([node]))
  }

  each(call: (at: number, element: Element<Node>) => unknown): this {
    this.#assertCallable(call, 'each')
    for (const [at, node] of this.#nodes.entries()) call(at, this.#element(node))
    return this
  }

  map<T>(call: (at: number, selection: Selection<Node>) => T): T[] {
    this.#assertCallable(call, 'map')
    return this.toArray().map((one, at) => call(at, one))
  }

  text(): string {
    return this.#dom.text(this.#nodes)
  }

  html(): string {
    const [node] = this.#nodes
    return node === undefined ? '' : this.#dom.html(node)
  }

  attr(name: string, fallback?: unknown): unknown {
    return this.#facts()?.attributes[name] ?? fallback
  }

  /** Of a field of a form; of a choice of several, all that are chosen. */
  val(): unknown {
    const facts = this.#facts()
    if (facts?.name === 'input' || facts?.name === 'button') return facts.attributes['value']
    if (facts?.name === 'textarea') return this.html()
    if (facts?.name === 'option') return facts.attributes['value'] ?? this.html()
    if (facts?.name !== 'select') return undefined
    const chosen = this.first().find('option[selected]')
    return facts.attributes['multiple'] === undefined
      ? (chosen.first().val() ?? '')
      : chosen.map((_, option) => option.val())
  }

  /** `data-` attributes, with numbers, booleans and JSON read as such: one, or all of them by their names in camel case. */
  data(name?: string): unknown {
    const attributes = this.#facts()?.attributes ?? {}
    if (name !== undefined) {
      const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      return dataOf(attributes[`data-${kebab}`])
    }
    const all = Object.entries(attributes).filter(([key]) => key.startsWith('data-'))
    return Object.fromEntries(all.map(([key, value]) => [camel(key.slice('data-'.length)), dataOf(value)]))
  }

  /** What a browser would send of a form, or of these fields, without its buttons. */
  serializeArray(): readonly { readonly name: unknown; readonly value: unknown }[] {
    const fields = this.is('form') ? this.find(FIELDS) : this.filter(FIELDS)
    return fields
      .toArray()
      .filter(isSent)
      .map((field) => ({ name: field.attr('name'), value: field.val() }))
  }

  serializeObject(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.serializeArray().map(({ name, value }) => [name, value]))
  }

  /** In the order of their names. */
  serialize(): string {
    const fields = Object.entries(this.serializeObject()).toSorted(([one], [other]) => (one < other ? -1 : 1))
    return fields
      .filter(([, value]) => value !== undefined)
      .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => pair(name, each)))
      .join('&')
  }

  #with(nodes: readonly Node[]): Selection<Node> {
    return new Selection(this.#dom, nodes, this)
  }

  #element(node: Node): Element<Node> {
    return new Element(this.#dom, node, this.#with([node]))
  }

  #walk(way: Way, selector?: string, until?: unknown): Selection<Node> {
    const end = until === undefined || until === null || until === '' ? null : until
    const found = this.#dom.walk(
      this.#nodes,
      way,
      typeof end === 'string' || end === null ? end : this.#given(end),
    )
    return this.#with(
      selector === undefined || selector === null ? found : this.#dom.matching(found, selector),
    )
  }

  #matching(target: unknown, name: string): readonly Node[] {
    if (typeof target === 'string') return this.#dom.matching(this.#nodes, target)
    if (typeof target !== 'function')
      return this.#nodes.filter((node) => this.#given(target, name).includes(node))
    return this.#nodes.filter((node, at) => (target as Test<Node>)(at, this.#with([node])))
  }

  #given(target: unknown, name = 'the call'): readonly Node[] {
    if (target instanceof Selection) return target.#nodes
    if (target instanceof Element) return [Element.nodeOf(target) as Node]
    throw new Error(`the argument to ${name}() must be a function, a selector or a selection`)
  }

  #roots(): readonly Node[] {
    const outer = this.#dom.walk(this.#nodes, 'parents', null)
    return [...new Set([...this.#nodes, ...outer])].filter(
      (node) => this.#dom.walk([node], 'parents', null).length === 0,
    )
  }

  #facts(): Facts | undefined {
    const [node] = this.#nodes
    return node === undefined ? undefined : this.#dom.facts(node)
  }

  #assertCallable(call: unknown, name: string): void {
    if (typeof call !== 'function') throw new Error(`the argument to ${name}() must be a function`)
  }
}

const FIELDS = 'input, select, textarea, keygen'
const unsentTypes: readonly unknown[] = ['submit', 'button', 'reset', 'image', 'file']
const choiceTypes: readonly unknown[] = ['checkbox', 'radio']

/** As k6 reads these attributes, which is not as browsers do: `checked` counts where it says so itself. */
function isSent<Node>(field: Selection<Node>): boolean {
  const type = field.attr('type')
  if (!field.attr('name') || field.attr('disabled') === 'disabled' || unsentTypes.includes(type)) return false
  return !choiceTypes.includes(type) || field.attr('checked') === 'checked'
}

function pair(name: string, value: unknown): string {
  return `${encoded(name)}=${encoded(value)}`
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function dataOf(value: string | undefined): unknown {
  if (value === undefined || value === '' || value === 'null' || value === 'undefined') return undefined
  if (value === 'true' || value === 'false') return value === 'true'
  if (/^[[{]/.test(value)) {
    try {
      return JSON.parse(value)
    } catch {
      return value
    }
  }
  return String(Number(value)) === value ? Number(value) : value
}
