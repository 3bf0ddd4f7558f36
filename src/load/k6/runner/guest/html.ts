import type { AnyNode } from 'domhandler'
import type { Way } from '../html/document.ts'
import { createDom } from '../html/dom.ts'
import { refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'
import type { Events, Operations } from './question.ts'

/** Documents of a guest, which holds numbers of their nodes. */
export function htmlOperations(user: VirtualUser, events: Events): Operations {
  const dom = createDom((what, instead) => refuse(user.test, what, instead))
  const { numberOf, nodeOf, forget } = createNumbers(user)
  events.whenOver(forget)
  const numbersOf = (nodes: readonly AnyNode[]) => nodes.map(numberOf)
  const nodesOf = (numbers: readonly number[]) => numbers.map(nodeOf)
  return {
    'html.parse': (html: string) => numberOf(dom.parse(html)),
    'html.find': (numbers: readonly number[], selector: string) =>
      numbersOf(dom.find(nodesOf(numbers), selector)),
    'html.matching': (numbers: readonly number[], selector: string) =>
      numbersOf(dom.matching(nodesOf(numbers), selector)),
    'html.walk': (numbers: readonly number[], way: Way, until: string | readonly number[] | null) =>
      numbersOf(
        dom.walk(nodesOf(numbers), way, typeof until === 'string' || until === null ? until : nodesOf(until)),
      ),
    'html.holding': (numbers: readonly number[], inner: readonly number[]) =>
      numbersOf(dom.holding(nodesOf(numbers), nodesOf(inner))),
    'html.text': (numbers: readonly number[]) => dom.text(nodesOf(numbers)),
    'html.html': (number: number) => dom.html(nodeOf(number)),
    'html.facts': (number: number) => dom.facts(nodeOf(number)),
    'html.resolve': (base: string, reference: string) => dom.resolve(base, reference),
  }
}

/** A number is a node's for ever; the node is kept as long as the call, or for good if it was there before the first one. */
function createNumbers(user: VirtualUser) {
  const numbers = new WeakMap<AnyNode, number>()
  const nodes = new Map<number, AnyNode>()
  let last = 0
  let lastOfInit = 0
  return {
    numberOf(node: AnyNode): number {
      const number = numbers.get(node) ?? ++last
      numbers.set(node, number)
      nodes.set(number, node)
      if (user.initializing) lastOfInit = last
      return number
    },
    nodeOf(number: number): AnyNode {
      const node = nodes.get(number)
      if (node === undefined) throw new Error('the page of an earlier iteration is gone')
      return node
    },
    forget() {
      for (const number of nodes.keys()) if (number > lastOfInit) nodes.delete(number)
    },
  }
}
