-- Written by `npm run generate` from sql/migrations; a test compares the two.
-- begin_migration: true for a migration that has not run in this database; from now on it has. leftovers.sql drops it.
-- Errors: 0A000 for one that ran as another text: this database has other tables than ours.
create or replace function ticketing.begin_migration(p_name text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- MD5 of the text, without comments and blanks.
  v_digest text := case p_name
    when '0001_box_office' then '57653224d81d9c6d40766ac8fc0cf32d'
    when '0002_offers_and_slots' then '9f1c7dbdb54f5ba6855ffe90726e96da'
    when '0003_protections' then '07b8c2d824c9e7f27e6fd089e8c54cca'
    when '0004_money' then '96057d1cfbee5b6b2c7bf446d51c7930'
    when '0005_door' then '1c30384a92a2be0a080005d40dfb6ec8'
    when '0006_gate_lists' then '4e3004587a0dd516cc5a93eeaec8808e'
    when '0007_table' then '31eca64014a31fbab2b48fd8940dce52'
    when '0008_scan_ids' then '247eca7d22af200cbe0efc4f910f85d0'
    when '0009_table_requests' then '2eb6fba6ab60149d47b457b8f1071779'
    when '0010_owed_back' then 'cb20789a71bcf7eccea54b744c8ed196'
    when '0011_effect' then 'e48055a7185c9039a089bb9e641f62ca'
    when '0012_amounts_and_terms' then 'edc9dc7749ae2b4647e36beb44a8e529'
    when '0012_cancellations' then 'de2c81408792ddefeeaa4885e2c25e47'
    when '0013_buyers' then '3f0eec4932da42d6af4345378849d708'
    when '0014_gates' then '6b1ea3647ceeddad0c394efb54339a87'
    when '0016_cells' then 'd49b8b9259a5e51d7e240cb25c19df19'
    when '0017_whose' then '88e7a2a0ad14d7d51d19e9d977c70ad7'
    when '0020_cancellation_passes' then 'cb2085b5d1d0a23247fdd3601bc0a16f'
    when '0021_undoings' then 'e249cbee4c930fcc9006b48ad5853616'
    when '0022_vip_reservations' then '5e08c2170b815f697362e5c6c07855bd'
    when '0023_organisers' then 'dd82bcf4dca8a5375ac1f50643888ab7'
    when '0024_one_way_to_an_event' then 'f104cd422c7c07a69c5e65d57f530e1e'
    when '0025_operations' then '6bc05280ffbcd756d95f455008532a1d'
    when '0026_expired_holds' then '49226cca9718e10137521ff8ded91901'
    when '0027_reads' then '8a9e514a9bb5aa8f9f3666694fea5f80'
    when '0028_forgetting' then '966bc5bd0ff402e7d6de045f9a3fb2a8'
    when '0029_row_security_estimates' then 'f5e6d77b9e97585bedf728f4221d7a12'
  end;
begin
  insert into ticketing.migrations (name, digest) values (p_name, v_digest) on conflict do nothing;
  if found then
    return true;
  elsif not exists (select from ticketing.migrations m where m.name = p_name and m.digest = v_digest) then
    raise exception 'this database has the tables of another Admit Once: its migration % is not ours', p_name
      using errcode = '0A000', hint = 'Before 1.0 tables are not carried over: install into a new database.';
  end if;
  return false;
end
$$;
