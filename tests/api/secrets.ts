/** Secrets of the tests, which guard nothing. */
export const JWT_SECRET = 'a secret for tests with at least 32 characters'
export const SECRET_KEY = 'sk_test_stand_in_of_the_tests'
export const WEBHOOK_SECRET = 'whsec_dGVzdHM='
