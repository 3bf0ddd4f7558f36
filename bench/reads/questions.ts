/** A read of a dashboard: as clients ask for it, and as one would write it in SQL. */
export interface Question {
  readonly name: string
  readonly as: 'organiser' | 'buyer' | 'anon' | 'service'
  readonly path: string
  /** Rows of this, as JSON, are the answer. */
  readonly sql: string
  /** An exact count beside the rows, of this. */
  readonly counted?: string
}

/** What an organiser, a buyer and the public look at, of one event among those of a million tickets. */
export function questionsOf(event: string, today: string): readonly Question[] {
  return [...ofSales(event, today), ...ofDoor(event, today)]
}

function ofSales(event: string, today: string): readonly Question[] {
  const paid = `public.orders where event_id = '${event}' and status = 'paid'`
  return [
    {
      name: 'tiers of an event',
      as: 'anon',
      path: `ticket_tiers?select=id,name,price_cents,total_quantity,sold_quantity&event_id=eq.${event}&order=name`,
      sql: `select id, name, price_cents, total_quantity, sold_quantity from public.ticket_tiers where event_id = '${event}' order by name`,
    },
    {
      name: 'events to come, with tiers',
      as: 'anon',
      path: `events?select=id,title,start_at,city,ticket_tiers(name,price_cents)&start_at=gte.${today}&order=start_at.asc&limit=30&ticket_tiers.order=name`,
      sql: `select e.id, e.title, e.start_at, e.city, (select coalesce(json_agg(t), '[]') from
        (select t.name, t.price_cents from public.ticket_tiers t where t.event_id = e.id order by t.name) t) as ticket_tiers
        from public.events e where e.start_at >= '${today}' order by e.start_at limit 30`,
    },
    {
      name: 'orders of an event, with items and tiers',
      as: 'organiser',
      path: `orders?select=id,status,customer_name,created_at,order_items(quantity,ticket_tiers(name))&event_id=eq.${event}&order=created_at.desc&limit=50`,
      sql: `select o.id, o.status, o.customer_name, o.created_at, (select coalesce(json_agg(i), '[]') from
        (select i.quantity, (select row_to_json(t) from (select t.name from public.ticket_tiers t
          where t.id = i.tier_id and t.event_id = i.event_id) t) as ticket_tiers
         from public.order_items i where i.order_id = o.id and i.event_id = o.event_id) i) as order_items
        from public.orders o where o.event_id = '${event}' order by o.created_at desc limit 50`,
    },
    {
      name: 'paid orders of an event, counted',
      as: 'organiser',
      path: `orders?select=id&event_id=eq.${event}&status=eq.paid&order=id&limit=1`,
      sql: `select id from ${paid} order by id limit 1`,
      counted: `select count(*) from ${paid}`,
    },
    {
      name: 'newest orders of all own events',
      as: 'organiser',
      path: 'orders?select=id,status,total_cents,created_at&order=created_at.desc&limit=50',
      sql: 'select id, status, total_cents, created_at from public.orders order by created_at desc limit 50',
    },
  ]
}

function ofDoor(event: string, today: string): readonly Question[] {
  return [
    {
      name: 'used tickets of an event, counted',
      as: 'service',
      path: `tickets?select=count&event_id=eq.${event}&status=eq.used`,
      sql: `select count(*) from public.tickets where event_id = '${event}' and status = 'used'`,
    },
    {
      name: 'newest scans of the day',
      as: 'organiser',
      path: `scan_logs?select=id,ticket_id,scan_success,scanned_at&event_id=eq.${event}&scanned_at=gte.${today}&order=scanned_at.desc,id&limit=50`,
      sql: `select id, ticket_id, scan_success, scanned_at from public.scan_logs
        where event_id = '${event}' and scanned_at >= '${today}' order by scanned_at desc, id limit 50`,
    },
    {
      name: 'own tickets of a buyer',
      as: 'buyer',
      path: 'tickets?select=id,status,qr_code,ticket_tiers(name)&order=id',
      sql: `select k.id, k.status, k.qr_code, (select row_to_json(t) from (select t.name from public.ticket_tiers t
        where t.id = k.tier_id and t.event_id = k.event_id) t) as ticket_tiers from public.tickets k order by k.id`,
    },
  ]
}
