-- 0015_totals: units' balances per hour, day and month.

create table unit_hour (
    unit_id   int4 not null references unit,
    ts        timestamptz not null,
    carrier   text not null,
    flow      text not null,
    amount    numeric,
    quality   int2 not null,
    covered_s int4 not null,
    ready     timestamptz,
    primary key (unit_id, ts, carrier, flow)
);
comment on table unit_hour is 'Metered flows per unit, hour of its zone, carrier and flow, in the carrier''s base unit; null when missing.';
