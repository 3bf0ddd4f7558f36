-- Bookings that cost something. None can be made yet: clients read the table, and it is empty until there are some.

do $migration$ begin
if not ticketing.begin_migration('0022_vip_reservations') then return; end if;

create table public.vip_reservations (
  id uuid primary key,
  event_id uuid not null references public.events (id),
  business_id uuid not null references public.businesses (id),
  user_id uuid,
  status text not null default 'pending' check (status in ('pending', 'confirmed', 'cancelled')),
  total_price numeric not null check (total_price >= 0),
  currency ticketing.currency not null,
  created_at timestamptz not null default now()
);
create index idx_vip_reservations_event on public.vip_reservations (event_id);
create index idx_vip_reservations_business on public.vip_reservations (business_id);
create index idx_vip_reservations_user on public.vip_reservations (user_id);

end $migration$;
