// A program that owns a cluster, for tests to interrupt and kill. Prints one line of JSON when it has started or
// failed. On Ctrl-C it does a last piece of work, stops the cluster, and has nothing left that keeps it alive.
// A careless one has no work and forgets its cluster.
import pg from 'pg'
import { EmbeddedError, startEmbedded } from '../../src/embedded/embedded.ts'

try {
  const { careless, ...options } = JSON.parse(process.argv[2] ?? '')
  const cluster = await startEmbedded(options)
  const work = careless ? undefined : setInterval(() => undefined, 60_000)
  process.once('SIGINT', async () => {
    const client = new pg.Client({ connectionString: cluster.url })
    await client.connect()
    await client.query('create table drained ()')
    await client.end()
    await cluster.stop()
    clearInterval(work)
  })
  console.log(JSON.stringify({ url: cluster.url }))
} catch (error) {
  if (!(error instanceof EmbeddedError)) throw error
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
