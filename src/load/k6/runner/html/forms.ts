import type { Dom } from './document.ts'
import { encoded } from './encoded.ts'
import type { Selection } from './selection.ts'

/** A request that a page leads to. */
export interface PageRequest {
  readonly method: string
  readonly url: string
  readonly body: unknown
  readonly params: unknown
}

type Given = Readonly<Record<string, unknown>>

/** `Response.submitForm()`: its fields as the page has them, with the button's, and with those of the script over them. */
export function formRequest<Node>(
  dom: Dom<Node>,
  page: Selection<Node>,
  url: string,
  given: Given,
): PageRequest {
  const { formSelector = 'form', submitSelector = '[type="submit"]', fields = {}, params } = given
  const form = page.find(formSelector)
  if (form.size() === 0) throw new Error(`no form found for selector '${formSelector}' in response '${url}'`)
  const submit = form.find(submitSelector)
  const [name, value] = [submit.attr('name'), submit.val()]
  const button = name === undefined || value === undefined ? {} : { [String(name)]: value }
  const body = { ...form.serializeObject(), ...button, ...(fields as Given) }
  const method = String(form.attr('method', 'GET')).toUpperCase()
  const action = dom.resolve(url, String(form.attr('action', url)))
  if (method !== 'GET') return { method, url: action, body, params }
  return { method, url: `${action.replace(/[?#].*$/, '')}?${queryOf(body)}`, body: null, params }
}

/** `Response.clickLink()`. */
export function linkRequest<Node>(
  dom: Dom<Node>,
  page: Selection<Node>,
  url: string,
  given: Given,
): PageRequest {
  const { selector = 'a[href]', params } = given
  const link = page.find(selector)
  if (link.size() === 0) throw new Error(`no element found for selector '${selector}' in response '${url}'`)
  const href = link.attr('href')
  if (href === undefined)
    throw new Error(`no valid href attribute value found on element '${selector}' in response '${url}'`)
  return { method: 'GET', url: dom.resolve(url, String(href)), body: null, params }
}

function queryOf(fields: Given): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => `${encoded(name)}=${encoded(each)}`),
  )
  return pairs.join('&')
}
