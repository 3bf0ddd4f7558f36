/**
 * A PostgreSQL URL as one URL a host: `postgres://user@one:5432,two/db` names two. Undefined where it is none.
 * libpq reads several hosts so, the URL standard does not.
 */
export function urlsOfHosts(url: string): readonly string[] | undefined {
  const [, head, hosts, tail] = SEVERAL.exec(url) ?? []
  if (head === undefined || hosts === undefined || tail === undefined) return undefined
  const urls = hosts.split(',').map((host) => `${head}${host}${tail}`)
  return urls.every((one) => URL.canParse(one)) && !(urls.length > 1 && hosts.split(',').includes(''))
    ? urls
    : undefined
}

/** Scheme and login, hosts, path and options. */
const SEVERAL = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)((?:[/?#].*)?)$/s
