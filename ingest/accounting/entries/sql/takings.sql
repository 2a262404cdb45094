-- What stock takings say of the time between them.

-- name: negative_uses
-- Pairs of takings in force that follow each other, one of them among entries $1, between which consumption is below zero:
-- what was there, was bought and is not sold, less what is left.
with touched as (
    select distinct unit_id, subject from entry where entry_id = any($1::int8[]) and kind = 'stock'
),
pairs as (
    select e.unit_id, e.subject, e.entry_id, e.last_day, e.amount, e.unit,
        lag(e.entry_id) over stock as before_id, lag(e.last_day) over stock as before_day,
        lag(e.amount) over stock as before
    from touched t join entry e using (unit_id, subject)
    where e.kind = 'stock' and e.replaced_by is null and e.undone_at is null
    window stock as (partition by e.unit_id, e.subject order by e.last_day, e.first_day)
),
found as (
    select p.*, p.before - p.amount
        + coalesce((
            select sum(
                case kind when 'purchase' then 1 else -1 end
                * spread_part(b.amount, b.first_day, b.last_day, p.before_day + 1, p.last_day)
            )
            from balance_entry b
            where b.unit_id = p.unit_id and b.carrier = p.subject and b.kind in ('purchase', 'sale')
                and b.first_day <= p.last_day and b.last_day > p.before_day
        ), 0)
        + coalesce((
            select sum(d.purchased + d.renewable - d.sold) from unit_day d
            where d.unit_id = p.unit_id and d.carrier = p.subject and d.day > p.before_day and d.day <= p.last_day
        ), 0) as used
    from pairs p
    where p.before_id is not null and (p.entry_id = any($1::int8[]) or p.before_id = any($1::int8[]))
)
select u.code as unit, f.subject as carrier, f.before, f.before_id, f.before_day, f.amount as stock,
    f.entry_id as stock_id, f.last_day as stock_day, f.used, f.unit as unit_of_measure
from found f join unit u using (unit_id)
where f.used < 0
order by u.code, f.subject, f.last_day;
