import { URL } from 'node:url'
import { is, selectAll } from 'css-select'
import { type AnyNode, type Element, isTag } from 'domhandler'
import { getInnerHTML, getParent, textContent } from 'domutils'
import { parse } from 'parse5'
import { adapter } from 'parse5-htmlparser2-tree-adapter'
import type { Refuse } from '../stop.ts'
import type { Dom, Way } from './document.ts'

/** Documents in the host, parsed as browsers parse them. A selector that only k6 knows is refused by name. */
export function createDom(refuse: Refuse): Dom<AnyNode> {
  const select = <T>(selector: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return refuse(`the selector '${selector}' (${why})`, 'use selectors of CSS')
    }
  }
  return {
    parse: (html) => parse(html, { treeAdapter: adapter }),
    find: (nodes, selector) =>
      select(selector, () =>
        unique(nodes.flatMap((node) => selectAll<AnyNode, Element>(selector, childrenOf(node)))),
      ),
    matching: (nodes, selector) =>
      select(selector, () => nodes.filter((node) => isTag(node) && is(node, selector))),
    walk: (nodes, way, until) =>
      select(String(until), () => unique(nodes.flatMap((node) => walkUntil(node, way, until)))),
    holding: (nodes, inner) => nodes.filter((node) => inner.some((one) => parentsOf(one).includes(node))),
    text: (nodes) => nodes.map((node) => textContent(node)).join(''),
    html: (node) => getInnerHTML(node),
    facts: (node) => ({
      name: isTag(node) ? node.name : `#${node.type === 'root' ? 'document' : node.type}`,
      type: nodeTypes[node.type] ?? nodeTypes['tag'] ?? 1,
      attributes: isTag(node) ? { ...node.attribs } : {},
    }),
    refuse,
    resolve: (base, reference) => new URL(reference, base).href,
  }
}

const nodeTypes: Readonly<Record<string, number>> = { tag: 1, text: 3, comment: 8, root: 9, directive: 10 }

function walkUntil(start: AnyNode, way: Way, until: string | readonly AnyNode[] | null): readonly AnyNode[] {
  const along = ways[way](start)
  if (until === null) return along
  const end = along.findIndex((node) =>
    typeof until === 'string' ? isTag(node) && is(node, until) : until.includes(node),
  )
  return end === -1 ? along : along.slice(0, end)
}

/** From a node outwards, the nearest first. */
const ways: Readonly<Record<Way, (node: AnyNode) => readonly AnyNode[]>> = {
  self: (node) => [node, ...parentsOf(node)].filter(isTag),
  parent: (node) => parentsOf(node).slice(0, 1),
  parents: (node) => parentsOf(node).filter(isTag),
  next: (node) => along(node, 'next').slice(0, 1),
  nextAll: (node) => along(node, 'next'),
  prev: (node) => along(node, 'prev').slice(0, 1),
  prevAll: (node) => along(node, 'prev'),
  siblings: (node) => [...along(node, 'prev').toReversed(), ...along(node, 'next')],
  children: (node) => childrenOf(node).filter(isTag),
  contents: (node) => childrenOf(node),
}

function along(start: AnyNode, direction: 'next' | 'prev'): readonly AnyNode[] {
  const found: AnyNode[] = []
  for (let node = start[direction]; node !== null; node = node[direction]) if (isTag(node)) found.push(node)
  return found
}

function parentsOf(start: AnyNode): readonly AnyNode[] {
  const found: AnyNode[] = []
  for (let node = getParent(start); node !== null; node = getParent(node)) found.push(node)
  return found
}

function childrenOf(node: AnyNode): AnyNode[] {
  return 'children' in node ? [...node.children] : []
}

function unique(nodes: readonly AnyNode[]): AnyNode[] {
  return [...new Set(nodes)]
}
