/** Where the server is: BASE_URL, or SUPABASE_URL with /functions/v1 behind it. */
export function getBaseUrl(): string {
  return __ENV['BASE_URL'] ?? `${getSupabaseUrl()}/functions/v1`
}

export function getSupabaseUrl(): string {
  return __ENV['SUPABASE_URL'] ?? 'http://127.0.0.1:54321'
}

/** Headers of a buyer or of door staff: `token` is a user's JWT; without one the caller is a guest. */
export function getHeaders(token?: string): Record<string, string> {
  const key = required('SUPABASE_ANON_KEY')
  return { 'Content-Type': 'application/json', apikey: key, Authorization: `Bearer ${token ?? key}` }
}

/** A variable that the script cannot do without; `admit-once fixtures <scenario>` prints it. */
export function required(name: string): string {
  const value = __ENV[name]
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: eval "$(npx admit-once fixtures <scenario>)" sets it`)
  }
  return value
}
