export const EMAIL_LENGTH_MAX = 320

/**
 * E-mail addresses that a payment provider takes as well: an order is made only for whom a receipt can reach. Stricter than
 * RFC 5322, which allows quotes and comments, and domains without a dot; a domain is written as mail is sent to it, in ASCII
 * (punycode). SQL's rule is generated from it.
 */
export const EMAIL_PATTERN =
  /^(?!.*\.\.)[^\p{Cc}"(),:;<>@\u005b-\u005d\s]+@([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*$/u

/** Characters that nobody sees: of zero width, that turn the direction of text, that say how another one is drawn. */
export const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu

/**
 * Canonicalization: the one spelling of an address, so that a person is one person under a limit; undefined where it is none.
 * Width and composition are folded (NFKC), what nobody sees is dropped, the domain becomes ASCII as browsers do it (UTS 46),
 * and letters beyond ASCII become small, which SQL's `lower` does only where the database's locale knows them.
 */
export function canonicalEmail(text: string): string | undefined {
  // Composing takes time quadratic in marks.
  if (text.length > EMAIL_LENGTH_MAX) return undefined
  const seen = text.normalize('NFKC').replaceAll(INVISIBLE, '')
  const at = seen.lastIndexOf('@')
  if (at < 1) return undefined
  const [local, host] = [seen.slice(0, at), seen.slice(at + 1)]
  const domain = HOST.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined
  const email = `${BEYOND_ASCII.test(local) ? local.toLowerCase().normalize('NFKC') : local}@${domain}`
  return domain !== undefined && isCanonical(email) ? email : undefined
}

function isCanonical(email: string): boolean {
  return email.length <= EMAIL_LENGTH_MAX && EMAIL_PATTERN.test(email)
}

/** Nothing that a URL would read as a port, a path or a query. */
const HOST = /^[^\s/?#:@\\%[\]]+$/
const BEYOND_ASCII = /[^\0-\x7f]/
