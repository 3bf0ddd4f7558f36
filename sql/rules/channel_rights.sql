-- channel_rights: what row level security on realtime.messages lets a caller do on a private channel. It tries: rows are written, read
-- and written again in the caller's name, and all of it is taken back by the error that carries the answer (AO001).
create or replace function ticketing.channel_rights(p_topic text, p_role text, p_claims text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_kind text;
  v_probe uuid;
  v_rights jsonb := '{}';
begin
  foreach v_kind in array array['broadcast', 'presence'] loop
    insert into realtime.messages (topic, extension, private) values (p_topic, v_kind, true) returning id into v_probe;
    v_rights := v_rights || jsonb_build_object('probe_' || v_kind, v_probe);
  end loop;
  perform set_config('realtime.topic', p_topic, true), set_config('request.jwt.claims', p_claims, true),
    set_config('role', p_role, true);
  foreach v_kind in array array['broadcast', 'presence'] loop
    v_rights := v_rights || jsonb_build_object('read_' || v_kind,
      exists (select from realtime.messages m where m.id = (v_rights ->> ('probe_' || v_kind))::uuid));
    begin
      insert into realtime.messages (topic, extension, private) values (p_topic, v_kind, true);
      v_rights := v_rights || jsonb_build_object('write_' || v_kind, true);
    exception when insufficient_privilege then
      v_rights := v_rights || jsonb_build_object('write_' || v_kind, false);
    end;
  end loop;
  raise exception 'channel_rights' using errcode = 'AO001', detail = v_rights::text;
end
$$;
