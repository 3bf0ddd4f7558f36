/** The one that Patroni elects must be the synchronous standby: there has to be another. */
export const NODES: readonly string[] = ['node-1', 'node-2', 'node-3']

interface NodeConfig {
  readonly name: string
  readonly pgdata: string
  readonly pgpass: string
  readonly binFolder: string
  readonly port: number
  readonly apiPort: number
  /** Where the other nodes find its PostgreSQL. */
  readonly relayPort: number
  readonly etcd: string
  readonly password: string
  readonly isSynchronous: boolean
}

/**
 * Lease: a dead leader is one for so many seconds yet, the fewest that Patroni's documents allow; loop_wait + 2 × retry_timeout may
 * not be more. As docs/operating/cells.md has it.
 */
export const LEASE = { ttl: 20, loop_wait: 5, retry_timeout: 5 }

/** As a user would write it, but for the addresses, and in JSON, which is YAML. */
export function configOf(node: NodeConfig): string {
  const { name, pgdata, pgpass, binFolder, password, etcd } = node
  const api = `127.0.0.1:${node.apiPort}`
  const parameters = { wal_level: 'logical', max_connections: 250, timezone: 'UTC' }
  return JSON.stringify({
    scope: 'tickets',
    name,
    restapi: { listen: api, connect_address: api },
    etcd3: { hosts: [etcd] },
    bootstrap: {
      dcs: { ...LEASE, synchronous_mode: node.isSynchronous, postgresql: { parameters } },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }],
    },
    postgresql: {
      listen: `127.0.0.1:${node.port}`,
      connect_address: `127.0.0.1:${node.relayPort}`,
      data_dir: pgdata,
      bin_dir: binFolder,
      pgpass,
      authentication: {
        superuser: { username: 'postgres', password },
        replication: { username: 'standby', password },
      },
      parameters: { unix_socket_directories: '' },
      pg_hba: ['all', 'replication'].map((whom) => `host ${whom} all 127.0.0.1/32 scram-sha-256`),
      // A checkpoint of its own pace would take minutes.
      basebackup: [{ checkpoint: 'fast' }],
    },
  })
}

/** One member is a cluster. */
export function etcdArguments(dataFolder: string, clientPort: number, peerPort: number): string[] {
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`]
  return [
    ...['--name', 'etcd', '--data-dir', dataFolder],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `etcd=${peer}`],
  ]
}
