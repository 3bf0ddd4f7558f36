-- Written by `npm run generate` from src/core/currencies.ts; a test compares the two.

-- is_chargeable: nothing, or an amount that the provider takes: its minimum to its maximum, in its steps.
create or replace function ticketing.is_chargeable(p_cents bigint, p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_cents = 0 or ticketing.is_currency(p_currency) and p_cents % ticketing.charge_step(p_currency) = 0
    and p_cents between ticketing.charge_minimum(p_currency) and ticketing.charge_maximum(p_currency)
$$;

-- is_currency: one that the provider takes.
create or replace function ticketing.is_currency(p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_currency = any ('{AED,AFN,ALL,AMD,ANG,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BGN,BHD,BIF,BMD,BND,BOB,BRL,BSD,BWP,BYN,BZD,CAD,CDF,CHF,CLP,CNY,COP,CRC,CVE,CZK,DJF,DKK,DOP,DZD,EGP,ETB,EUR,FJD,FKP,GBP,GEL,GIP,GMD,GNF,GTQ,GYD,HKD,HNL,HTG,HUF,IDR,ILS,INR,ISK,JMD,JOD,JPY,KES,KGS,KHR,KMF,KRW,KWD,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,MDL,MGA,MKD,MMK,MNT,MOP,MRO,MUR,MVR,MWK,MXN,MYR,MZN,NAD,NGN,NIO,NOK,NPR,NZD,OMR,PAB,PEN,PGK,PHP,PKR,PLN,PYG,QAR,RON,RSD,RUB,RWF,SAR,SBD,SCR,SEK,SGD,SHP,SLE,SOS,SRD,STD,SZL,THB,TJS,TND,TOP,TRY,TTD,TWD,TZS,UAH,UGX,USD,UYU,UZS,VND,VUV,WST,XAF,XCD,XCG,XOF,XPF,YER,ZAR,ZMW}')
$$;

-- charge_step: the provider takes amounts of this many minor units and their multiples.
create or replace function ticketing.charge_step(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 10
    when p_currency in ('ISK', 'UGX') then 100
    else 1 end
$$;

-- charge_minimum: the least that the provider takes, in minor units.
create or replace function ticketing.charge_minimum(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 500
    when p_currency in ('GBP') then 30
    when p_currency in ('BGN') then 100
    when p_currency in ('AED', 'MYR', 'PLN', 'RON') then 200
    when p_currency in ('DKK') then 250
    when p_currency in ('NOK', 'SEK') then 300
    when p_currency in ('HKD') then 400
    when p_currency in ('MXN', 'THB') then 1000
    when p_currency in ('CZK') then 1500
    when p_currency in ('HUF') then 17500
    else 50 end
$$;

-- charge_maximum: the most that the provider takes, in minor units.
create or replace function ticketing.charge_maximum(p_currency text) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency in ('IDR') then 999999999999
    else 99999999 end
$$;
