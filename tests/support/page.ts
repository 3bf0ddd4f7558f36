/** What is looked for in a page that needs no network. */

/** Attributes and styles that would make a browser ask for something. */
export function references(page: string): string[] {
  const markup = visible(page)
  const attributes = [...markup.matchAll(/<[a-z][^>]*>/gi)].flatMap(([tag]) => [
    ...tag.matchAll(/\s(?:src|srcset|href|action|poster|data)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi),
  ])
  const values = attributes.map(([, ...quoted]) => quoted.find((value) => value !== undefined) ?? '')
  return [
    ...values.filter((value) => !value.startsWith('#') && value !== 'data:,'),
    ...[...markup.matchAll(/<[a-z][^>]*(?:https?:)?\/\/[^>]*>/gi)]
      .map(String)
      .filter((tag) => !/\s(?:src|href)/.test(tag)),
    ...[...markup.matchAll(/@import|@font-face|url\((?!#)/g)].map(String),
  ]
}

/** The page without the data it carries. */
export function visible(page: string): string {
  return page.replace(/<script type="application\/json"[\s\S]*<\/script>/, '')
}

const VOID = ['meta', 'link', 'line', 'path', 'circle', 'polygon', 'polyline', 'rect', 'img']

/** Elements that are opened and not closed. */
export function unclosed(page: string): string[] {
  const open: string[] = []
  const wrong: string[] = []
  for (const [, end, name = ''] of visible(page).matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>/g)) {
    if (VOID.includes(name)) continue
    if (end === '') open.push(name)
    else while (open.length > 0 && open.at(-1) !== name) wrong.push(open.pop() ?? '')
    if (end !== '') open.pop()
  }
  return [...wrong, ...open]
}

/** The data that a page carries. */
export function resultsIn(page: string): unknown {
  return JSON.parse(
    /<script type="application\/json" id="results">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '',
  )
}
