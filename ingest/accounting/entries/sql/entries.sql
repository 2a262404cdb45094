-- What units fill in: written with the marks that let totals be computed anew.

-- name: units
-- Units by code; locked, so that no two people fill in one at the same time.
select unit_id, code, time_zone from unit where code = any($1::text[]) order by unit_id for no key update;

-- name: unit_of_gateway
-- The code of the unit of a gateway.
select u.code from gateway g join unit u using (unit_id) where g.code = $1;

-- name: unit_of_entry
-- The code of the unit of an entry.
select u.code from entry e join unit u using (unit_id) where e.entry_id = $1;

-- name: products
-- The products of some units.
select p.unit_id, p.code, p.name_zh, p.name_en, p.unit, p.quota_key, point.code as point
from product p left join point using (point_id)
where p.unit_id = any($1::int4[]) order by p.unit_id, p.code;

-- name: standing
-- The entries in force of some units, kinds and subjects that overlap some days.
select distinct e.entry_id, e.unit_id, e.kind, e.subject, e.first_day, e.last_day, e.amount, e.document, e.reason
from unnest($1::int4[], $2::text[], $3::text[], $4::date[], $5::date[])
    as g (unit_id, kind, subject, first_day, last_day)
join entry e on (e.unit_id, e.kind, e.subject) = (g.unit_id, g.kind, g.subject)
    and e.first_day <= g.last_day and e.last_day >= g.first_day
where e.replaced_by is null and e.undone_at is null;

-- name: numbers
-- Numbers for so many entries.
select nextval(pg_get_serial_sequence('entry', 'entry_id')) from generate_series(1, $1);

-- name: replace
-- Let each of the entries $1 be replaced by that of $2.
update entry e set replaced_by = g.later
from unnest($1::int8[], $2::int8[]) as g (earlier, later) where e.entry_id = g.earlier;

-- name: add
-- Write entries under the numbers that they were given.
insert into entry (entry_id, unit_id, kind, subject, first_day, last_day, amount, unit, given, given_unit, document,
                   reason, author, replaces, source, recorded_at)
overriding system value
select g.*, $15, $16
from unnest($1::int8[], $2::int4[], $3::text[], $4::text[], $5::date[], $6::date[], $7::numeric[], $8::text[],
            $9::numeric[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int8[]) as g;

-- name: undo
-- Undo an entry: it stays, and the one that it replaced counts again.
with undone as (
    update entry set undone_at = $2, undone_by = $3, undone_why = $4 where entry_id = $1 returning replaces
)
select replaces from undone;

-- name: restore
-- Let an entry count again.
update entry set replaced_by = null where entry_id = $1;

-- name: mark
-- Let totals of units be computed anew for the days that entries touch; a stock, and what is used between two of them,
-- from the stock before to the one after.
insert into unit_dirty (unit_id, since, until)
select unit_id, lower(span), upper(span) - 1
from (
    select unit_id, unnest(range_agg(daterange(
        coalesce((
            select max(s.last_day) from entry s
            where (s.unit_id, s.kind, s.subject) = (g.unit_id, g.kind, g.subject) and g.kind = 'stock'
                and s.last_day < g.first_day and s.replaced_by is null and s.undone_at is null
        ), first_day),
        coalesce((
            select min(s.last_day) from entry s
            where (s.unit_id, s.kind, s.subject) = (g.unit_id, g.kind, g.subject) and g.kind = 'stock'
                and s.last_day > g.last_day and s.replaced_by is null and s.undone_at is null
        ), last_day), '[]'))) as span
    from unnest($1::int4[], $2::text[], $3::text[], $4::date[], $5::date[])
        as g (unit_id, kind, subject, first_day, last_day)
    group by unit_id
) spans
order by 1, 2;

-- name: notify
-- Wake whoever derives; delivered at commit.
select pg_notify('readings', '');

-- name: recorded
-- Entries, replaced and undone ones too, the latest first: of a unit ($1), a kind ($2), a subject ($3), in force or not
-- ($4), touching days from $5 to $6, one ($7); at most $8.
select * from board.entry
where ($1::text is null or unit = $1) and ($2::text is null or kind = $2) and ($3::text is null or subject = $3)
    and ($4::bool is null or in_force = $4) and ($5::date is null or last_day >= $5)
    and ($6::date is null or first_day <= $6) and ($7::int8 is null or entry_id = $7)
order by entry_id desc limit $8;
