/** As forms encode it. Runs in guests too, which have no URLSearchParams. */
export function encoded(text: unknown): string {
  const strict = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(String(text))
    .replace(/[!'()*]/g, strict)
    .replaceAll('%20', '+')
}
