-- name: lock
-- Nobody else loads tables meanwhile.
lock table time_of_use_table in share row exclusive mode;

-- name: replace
-- What was in force of region $1 and voltage $2 from $3 on is so no more; nothing where it says the same.
update time_of_use_table set replaced_at = $6
where (region, voltage, valid_from) = ($1, $2, $3) and replaced_at is null
    and (periods, source) is distinct from ($4::jsonb, $5);

-- name: record
-- A table, unless it is in force already; its number.
insert into time_of_use_table (region, voltage, valid_from, periods, source, author, recorded_at)
select $1, $2, $3, $4::jsonb, $5, $7, $6
where not exists (
    select from time_of_use_table where (region, voltage, valid_from) = ($1, $2, $3) and replaced_at is null
)
returning table_id;

-- name: lay_out
-- The slots of table $1.
insert into time_of_use_slot (table_id, month, day_class, quarter, kind, factor)
select $1, * from unnest($2::int2[], $3::text[], $4::int2[], $5::text[], $6::float8[]);

-- name: tables
-- Tables in force, replaced ones too where $1 says so.
select table_id, region, voltage, valid_from, periods, source, author, recorded_at, replaced_at
from time_of_use_table where $1 or replaced_at is null
order by region, voltage, valid_from, table_id;

-- name: supply
-- Units $1 are supplied at voltages $3 from days $2 on; codes that nobody knows are passed over.
insert into unit_voltage (unit_id, valid_from, voltage)
select u.unit_id, g.valid_from, g.voltage
from unnest($1::text[], $2::date[], $3::text[]) as g (code, valid_from, voltage) join unit u using (code)
on conflict (unit_id, valid_from) do update set voltage = excluded.voltage;

-- name: unknown_units
-- Those of the codes $1 that no unit has.
select code from unnest($1::text[]) as g (code) where not exists (select from unit u where u.code = g.code);
