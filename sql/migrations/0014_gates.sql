-- Gates: which event a gate is at, what of a report was not believed, and scans that staff undid.

do $migration$
declare
  v_door regprocedure;
begin
if not ticketing.begin_migration('0014_gates') then return; end if;

-- Made anew with other parameters or answers.
drop function if exists ticketing.admit_offline(uuid, uuid, timestamptz, text, uuid, text, text);
drop function if exists ticketing.admit_ticket(uuid, uuid, text, text, boolean, text);
drop function if exists ticketing.offline_refusal(uuid, uuid, uuid);
drop function if exists ticketing.scan_refusal(uuid, uuid, boolean);
drop function if exists ticketing.read_scans(jsonb);
drop function if exists ticketing.unreadable_scan(text);
drop function if exists ticketing.offline_result(uuid, record);
drop function if exists ticketing.slots_at(uuid, date, time);
drop function if exists ticketing.atomic_ticket_checkin(uuid, uuid);
drop function if exists ticketing.scan_ticket_atomic(uuid, uuid, text, text);
drop function if exists ticketing.sync_offline_scan(uuid, uuid, timestamptz, text);
-- Our doors, which call the verb of their own name; a stranger's function of that name stays as it is.
for v_door in
  select p.oid from pg_proc p where p.pronamespace = 'public'::regnamespace
    and p.proname in ('atomic_ticket_checkin', 'scan_ticket_atomic', 'sync_offline_scan')
    and p.prosrc like '%ticketing.' || p.proname || '(%'
loop
  execute format('drop function %s', v_door);
end loop;

alter table public.scan_logs
  -- The event at whose gate it was shown, as far as the gate said so.
  add column gate_event_id uuid,
  -- What a gate without network said and could not be: the scan is kept, as of now and in the name of who handed it in.
  add column disbelieved jsonb,
  -- This row is no scan: it undoes one, and says why.
  add column undoes uuid references public.scan_logs (id),
  add column reason text check (length(reason) between 1 and 500),
  add constraint check_undo_has_reason check ((undoes is null) = (reason is null));
create unique index uniq_undo on public.scan_logs (undoes) where undoes is not null;
create index idx_scan_logs_gate_event on public.scan_logs (gate_event_id) where error_code = 'WRONG_EVENT';

alter table ticketing.settings
  -- How long a scan can be undone.
  add column undo_window interval not null default '15 minutes' check (undo_window >= interval '0'),
  -- scan_ticket_atomic and atomic_ticket_checkin keep the event's times as validate_qr does.
  add column strict_doors boolean not null default false;

end $migration$;
