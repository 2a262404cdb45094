-- Products of units.

-- name: meter_of
-- What must be known of a point that meters a product.
select c.point_id, d.unit, d.unit_of_measure as measured_in, c.flow
from counted_point c join described_point d using (point_id) where c.code = $1;

-- name: filled_in
-- Whether output of a product was ever filled in.
select exists (select from entry where unit_id = $1 and kind = 'output' and subject = $2);

-- name: unit_of
-- A product's unit of measure.
select unit from product where unit_id = $1 and code = $2;

-- name: write
-- Register a product, or change it.
insert into product (unit_id, code, name_zh, name_en, unit, quota_key, point_id) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (unit_id, code) do update
set (name_zh, name_en, unit, quota_key, point_id)
    = (excluded.name_zh, excluded.name_en, excluded.unit, excluded.quota_key, excluded.point_id);

-- name: listed
-- Products of a unit ($1), or of all.
select u.code as of_unit, p.code, p.name_zh, p.name_en, p.unit, p.quota_key, point.code as point
from product p join unit u using (unit_id) left join point using (point_id)
where $1::text is null or u.code = $1
order by 1, 2;
