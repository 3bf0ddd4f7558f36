export const EMAIL_LENGTH_MAX = 320

/**
 * E-mail addresses that a payment provider takes as well: an order is made only for whom a receipt can reach. Stricter than
 * RFC 5322, which allows quotes, and domains without a dot. SQL's rule is generated from it.
 */
export const EMAIL_PATTERN = /^(?!.*\.\.)[^\s@<>"]+@[^\s@<>".]+(\.[^\s@<>".]+)+$/

export function isEmail(text: string): boolean {
  return text.length <= EMAIL_LENGTH_MAX && EMAIL_PATTERN.test(text)
}
