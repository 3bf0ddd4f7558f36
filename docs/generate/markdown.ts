/** A table; every cell on one line, its bars escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`.replaceAll('|  |', '| |')
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

function cell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').trim()
}

/** A page that says where it comes from, so that nobody edits it. */
export function page(title: string, source: string, ...parts: readonly string[]): string {
  const origin = `<!-- Written by \`npm run generate\` from ${source}; a test compares the two. -->`
  return `${[origin, `# ${title}`, ...parts].join('\n\n')}\n`
}

export function code(text: string, language = ''): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** `text` with what stands between two marks replaced. Throws where they are missing. */
export function betweenMarks(text: string, mark: string, part: string): string {
  const [open, close] = [`<!-- ${mark} -->\n`, `<!-- /${mark} -->`]
  const from = text.indexOf(open)
  const to = text.indexOf(close)
  if (from < 0 || to < from) throw new Error(`the marks ${mark} are missing`)
  return `${text.slice(0, from + open.length)}${part}\n${text.slice(to)}`
}
