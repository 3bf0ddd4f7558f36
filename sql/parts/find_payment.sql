-- find_payment: the payment of one of our orders that an object of the provider is about; all null where it is about none.
create or replace function ticketing.find_payment(p_object jsonb) returns ticketing.payments
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
begin
  select * into v_payment from ticketing.payments p
    where p.id = ticketing.id_of(p_object -> 'payment_intent') and p.order_id is not null limit 1;
  return v_payment;
end
$$;
