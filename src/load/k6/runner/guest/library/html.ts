import type { Dom, Facts } from '../../html/document.ts'
import { Selection } from '../../html/selection.ts'
import { ask, refuse } from './bridge.ts'

/** `k6/html` of a user who may block: its pages are the host's, and each node a number. */
export const dom: Dom<number> = {
  parse: (html) => ask('html.parse', html) as number,
  find: (nodes, selector) => ask('html.find', nodes, selector) as number[],
  matching: (nodes, selector) => ask('html.matching', nodes, selector) as number[],
  walk: (nodes, way, until) => ask('html.walk', nodes, way, until) as number[],
  holding: (nodes, inner) => ask('html.holding', nodes, inner) as number[],
  text: (nodes) => String(ask('html.text', nodes)),
  html: (node) => String(ask('html.html', node)),
  facts: (node) => ask('html.facts', node) as Facts,
  refuse,
  resolve: (base, reference) => String(ask('html.resolve', base, reference)),
}

export function parseHTML(html: unknown): Selection<number> {
  return Selection.parse(dom, html)
}

export default { parseHTML }
