/** Superuser URL of the PostgreSQL server that tests/setup.ts started (or DATABASE_URL's server). */
export function serverUrl(): string {
  const url = process.env['ADMIT_ONCE_TEST_URL']
  if (url === undefined) throw new Error('no test server: run the tests with `npm test`, which starts one')
  return url
}
