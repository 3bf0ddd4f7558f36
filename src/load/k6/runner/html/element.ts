import type { Dom, Facts, Single } from './document.ts'

/** What k6 tells of elements besides, most of it by their kind. */
const missing = [
  ...[
    'value',
    'defaultValue',
    'href',
    'src',
    'name',
    'type',
    'text',
    'title',
    'alt',
    'rel',
    'target',
    'label',
  ],
  ...['action', 'method', 'enctype', 'encoding', 'elements', 'form', 'labels', 'options', 'selectedOptions'],
  ...['checked', 'defaultChecked', 'selected', 'defaultSelected', 'selectedIndex', 'disabled', 'multiple'],
  ...['hash', 'host', 'hostname', 'origin', 'pathname', 'port', 'protocol', 'search', 'username', 'password'],
  ...['rows', 'cells', 'content', 'httpEquiv', 'media', 'width', 'height', 'min', 'max', 'step', 'size'],
  ...['getAttributeNode', 'isEqualNode', 'isDefaultNamespace', 'namespaceURI', 'ownerDocument'],
  ...['previousSibling', 'nextSibling'],
]

/** k6's Element: one node, as `each()` and `get()` give it. What it tells are methods, as in k6. */
export class Element<Node> {
  readonly #dom: Dom<Node>
  readonly #node: Node
  readonly #selection: Single

  static {
    for (const name of missing) {
      Reflect.set(Element.prototype, name, function refuseMissing(this: Element<unknown>) {
        this.#dom.refuse(`element.${name}()`, 'use getAttribute(), or the attr() and val() of a selection')
      })
    }
  }

  /** `selection` has the node, and nothing else. */
  constructor(dom: Dom<Node>, node: Node, selection: Single) {
    this.#dom = dom
    this.#node = node
    this.#selection = selection
  }

  static nodeOf<Node>(element: Element<Node>): Node {
    return element.#node
  }

  selection(): Single {
    return this.#selection
  }

  nodeName(): string {
    return this.#facts().name
  }

  nodeType(): number {
    return this.#facts().type
  }

  nodeValue(): string | undefined {
    const { type } = this.#facts()
    return type === TEXT || type === COMMENT ? this.textContent() : undefined
  }

  textContent(): string {
    return this.selection().text()
  }

  innerHTML(): string {
    return this.selection().html()
  }

  id(): string | undefined {
    return this.getAttribute('id')
  }

  className(): string | undefined {
    return this.getAttribute('class')
  }

  classList(): readonly string[] {
    return this.className()?.split(/\s+/).filter(Boolean) ?? []
  }

  lang(): string | undefined {
    return this.getAttribute('lang')
  }

  getAttribute(name: string): string | undefined {
    return this.#facts().attributes[name]
  }

  hasAttribute(name: string): boolean {
    return this.getAttribute(name) !== undefined
  }

  hasAttributes(): boolean {
    return Object.keys(this.#facts().attributes).length > 0
  }

  attributes(): Readonly<Record<string, { readonly name: string; readonly value: string }>> {
    const entries = Object.entries(this.#facts().attributes)
    return Object.fromEntries(entries.map(([name, value]) => [name, { name, value }]))
  }

  hasChildNodes(): boolean {
    return this.selection().contents().size() > 0
  }

  childNodes(): unknown {
    return this.selection().contents().get()
  }

  children(): unknown {
    return this.selection().children().get()
  }

  childElementCount(): number {
    return this.selection().children().size()
  }

  firstChild(): unknown {
    return this.selection().contents().get(0)
  }

  lastChild(): unknown {
    return this.selection().contents().get(-1)
  }

  firstElementChild(): unknown {
    return this.selection().children().get(0)
  }

  lastElementChild(): unknown {
    return this.selection().children().get(-1)
  }

  previousElementSibling(): unknown {
    return this.selection().prev().get(0)
  }

  nextElementSibling(): unknown {
    return this.selection().next().get(0)
  }

  parentElement(): unknown {
    return this.selection().parent().get(0)
  }

  parentNode(): unknown {
    return this.parentElement()
  }

  querySelector(selector: string): unknown {
    return this.selection().find(selector).get(0)
  }

  querySelectorAll(selector: string): unknown {
    return this.selection().find(selector).get()
  }

  getElementsByClassName(name: string): unknown {
    return this.querySelectorAll(`.${name}`)
  }

  getElementsByTagName(name: string): unknown {
    return this.querySelectorAll(name)
  }

  matches(selector: string): boolean {
    return this.selection().is(selector)
  }

  isSameNode(other: unknown): boolean {
    return other instanceof Element && other.#node === this.#node
  }

  contains(other: unknown): boolean {
    return this.isSameNode(other) || this.selection().has(other).size() > 0
  }

  toString(): string {
    return '[object html.Node]'
  }

  #facts(): Facts {
    return this.#dom.facts(this.#node)
  }
}

const TEXT = 3
const COMMENT = 8
