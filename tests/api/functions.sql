create schema extensions;
create schema ticketing;
grant usage on schema public, ticketing to anon, authenticated, service_role;

create table public.notes (id integer generated always as identity primary key, note text not null);
grant select, insert on public.notes to anon, authenticated, service_role;
create type public.pair as (name text, size integer);

-- Every shape of result.
create function public.add(p_left integer, p_right integer) returns integer language sql immutable
  return p_left + p_right;
create function public.nothing() returns text language sql stable return null;
create function public.echo(p_value jsonb) returns jsonb language sql immutable return p_value;
create function public.echo_text(p_text text) returns text language sql immutable return p_text;
create function public.note(p_note text) returns void language sql
  begin atomic insert into public.notes (note) values (p_note); end;
create function public.count_to(p_last integer) returns setof integer language sql stable
  begin atomic select generate_series(1, p_last); end;
create function public.rows_to(p_last integer) returns table (n integer, label text) language sql stable
  begin atomic select g, case when g > 1 then 'row ' || g end from generate_series(1, p_last) g; end;
create function public.one_column(p_last integer) returns table (n integer) language sql stable
  begin atomic select g from generate_series(1, p_last) g; end;
create function public.make_pair(p_name text, p_size integer) returns public.pair language sql immutable
  begin atomic select p_name, p_size; end;
create function public.divide(p_left integer, p_right integer, out quotient integer, out rest integer)
  language sql immutable begin atomic select p_left / p_right, p_left % p_right; end;
create function public.out_first(out doubled integer, p_value integer, out tripled integer)
  language plpgsql immutable as $$ begin doubled := p_value * 2; tripled := p_value * 3; end $$;
create function public.insert_notes(p_last integer) returns setof public.notes language sql
  begin atomic insert into public.notes (note) select 'n' || g from generate_series(1, p_last) g returning *; end;

-- Arguments.
create function public.greet(p_name text, p_greeting text default 'hello') returns text language sql stable
  return p_greeting || ' ' || coalesce(p_name, 'nobody');
create function public.twice(p_number integer) returns text language sql immutable return 'number';
create function public.twice(p_word text) returns text language sql immutable return 'word';
create function public.unclear(p_a integer) returns text language sql immutable return 'integer';
create function public.unclear(p_a text) returns text language sql immutable return 'text';
create function public.whole_body(jsonb) returns jsonb language sql immutable return $1;
create function public.whole_text(text) returns text language sql immutable return $1;
create function public.two_unnamed(integer, integer) returns integer language sql immutable return $1 + $2;
create function public.joined(variadic p_words text[]) returns text language sql immutable
  return array_to_string(p_words, '-');
create function public.identify(p_id uuid) returns uuid language sql immutable return p_id;

-- What a call runs in.
create function public.surroundings() returns jsonb language sql volatile
  begin atomic
    select jsonb_build_object(
      'role', current_user::text, 'claims', current_setting('request.jwt.claims', true)::jsonb,
      'method', current_setting('request.method', true), 'path', current_setting('request.path', true),
      'agent', current_setting('request.headers', true)::jsonb ->> 'user-agent',
      'search_path', current_setting('search_path'), 'timezone', current_setting('timezone'),
      'statement_timeout', current_setting('statement_timeout'), 'read_only', current_setting('transaction_read_only'),
      'isolation', current_setting('transaction_isolation'));
  end;
create function public.surroundings_stable() returns text language sql stable
  return current_setting('transaction_read_only');
create function public.bounded() returns text language plpgsql set statement_timeout = '150ms' as
  $$ begin perform pg_sleep(30); return 'slept'; end $$;
create function public.serial() returns text language sql set default_transaction_isolation = 'serializable'
  return current_setting('transaction_isolation');
create function public.write_stable(p_note text) returns void language plpgsql stable as
  $$ begin perform public.note(p_note); end $$;
create function public.write_then_fail(p_note text) returns void language plpgsql as
  $$ begin insert into public.notes (note) values (p_note); raise exception 'too late'; end $$;
create function public.respond(p_status text, p_headers text) returns text language sql
  begin atomic
    select set_config('response.status', p_status, true), set_config('response.headers', p_headers, true);
    select 'done'::text;
  end;

-- Refusals.
create function public.fail(p_state text, p_message text default 'failed', p_detail text default null)
  returns void language plpgsql as
  $$ begin
    if p_detail is null then raise exception using errcode = p_state, message = p_message; end if;
    raise exception using errcode = p_state, message = p_message, detail = p_detail, hint = 'a hint';
  end $$;
create function public.secret_function() returns text language sql return 'secret';
revoke execute on function public.secret_function() from public;
grant execute on function public.secret_function() to service_role;
create function public.on_change() returns trigger language plpgsql as $$ begin return new; end $$;
create function ticketing.hidden() returns text language sql return 'hidden';
create function public.wait_for_lock(p_key bigint) returns boolean language plpgsql as
  $$ begin perform pg_advisory_xact_lock(p_key); return true; end $$;
create function public.end_session() returns boolean language sql security definer
  return pg_terminate_backend(pg_backend_pid());

-- What the functions of /functions/v1 call.
create function public.verify_protections() returns table (guarantee text, protection text, kind text, object text, active boolean, detail text)
  language sql stable
  begin atomic
    values ('never-oversold', 'capacity', 'trigger', 'ticket_holds', true, null::text),
           ('admitted-once', 'one_scan', 'index', 'scan_logs', true, null::text);
  end;
create function ticketing.checkout(p_request jsonb) returns jsonb language plpgsql as $$
declare v_event text := p_request ->> 'event';
begin
  if v_event like 'refuse-%' then
    return jsonb_build_object('success', false, 'error_code', substr(v_event, 8), 'error', 'because', 'available', 3);
  elsif v_event like 'raise-%' then
    raise exception using errcode = substr(v_event, 7), message = 'raised inside';
  end if;
  insert into public.notes (note) values ('checkout');
  return jsonb_build_object('success', true, 'order_id', '00000000-0000-0000-0000-000000000007', 'is_free', true,
    'status', 'paid', 'hold_ids', '[]'::jsonb, 'tickets', '[]'::jsonb, 'subtotal_cents', 0, 'fees_cents', 0, 'total_cents', 0,
    'currency', 'EUR', 'expires_at', null, 'payment', null, 'checkout_session_id', 'free_secret',
    'order_url', p_request ->> 'public_url' || '/orders/00000000-0000-0000-0000-000000000007/secret',
    'replayed', p_request ->> 'idempotency_key' = 'again');
end $$;
create function ticketing.who(p_number integer, p_list jsonb, p_text text, p_nothing text) returns jsonb language sql
  return jsonb_build_object('role', current_user::text, 'number', p_number, 'list', p_list, 'text', p_text,
    'nothing', p_nothing);
