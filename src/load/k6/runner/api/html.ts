import { createDom } from '../html/dom.ts'
import { Selection } from '../html/selection.ts'
import { refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'

/** `k6/html`. */
export function htmlModule(user: VirtualUser): object {
  const dom = createDom((what, instead) => refuse(user.test, what, instead))
  return { parseHTML: (html: unknown) => Selection.parse(dom, html) }
}
