/**
 * What stands in for Supabase's edge runtime, under real Deno: every function's own entry file, behind one port. The runtime gives
 * each a worker of its own; here they share a process. Run by tests/support/deno.ts.
 */
type Handler = (request: Request) => Response | Promise<Response>

// biome-ignore lint/suspicious/noExplicitAny: Deno's types are not those of this project.
const { Deno } = globalThis as any
const listen = Deno.serve
const functions = new URL('../../supabase/functions/', import.meta.url)
const handlers = new Map<string, Handler>()
for await (const { name, isDirectory } of Deno.readDir(functions)) {
  if (!isDirectory || name.startsWith('_')) continue
  Deno.serve = (handler: Handler) => handlers.set(name, handler)
  await import(new URL(`${name}/index.ts`, functions).href)
}

const answer: Handler = (request) => {
  // As a function sees it there: its own name is what is left of the path.
  const { pathname, search } = new URL(request.url)
  const [, name = ''] = pathname.split('/')
  const handler = handlers.get(name)
  if (handler === undefined)
    return Response.json({ code: 'NOT_FOUND', message: 'no function' }, { status: 404 })
  return handler(new Request(`https://project.supabase.co/${name}${search}`, request))
}

listen({
  port: 0,
  hostname: '127.0.0.1',
  onListen: ({ port }: { readonly port: number }) => console.log(JSON.stringify({ port })),
  handler: answer,
})
