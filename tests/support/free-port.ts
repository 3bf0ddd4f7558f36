export { freePort } from '../../src/embedded/server.ts'
