-- Queries of quotas. Times are parameters: data time comes from the caller's clock.

-- name: lock
-- One at a time: what was checked must still hold when it is written. Readers go on.
lock table quota, quota_group in share row exclusive mode;

-- name: units
-- Every unit.
select code, unit_id from unit;

-- name: products
-- Every product with its unit of measure.
select u.code as unit, p.code as product, p.unit as unit_of_measure from product p join unit u using (unit_id);

-- name: members
-- The units of every group, district, city, industry and size class.
select g.grouping, g.key, array_agg(u.code) as units
from (select grouping, key, unit_id from unit_group union all select 'group', code, unit_id from quota_group) g
join unit u using (unit_id)
group by g.grouping, g.key;

-- name: standing
-- The present text of every quota.
select q.quota_id, q.code, q.version, v.spec::text as spec
from quota q join quota_version v using (quota_id, version);

-- name: recorded
-- Quotas with their present text: of a unit ($1), its groups' too, with a code ($2), governing periods that begin on a day
-- ($3); each null for all.
select q.code, q.version, v.author, v.recorded_at, v.spec::text as spec
from quota q join quota_version v using (quota_id, version)
where ($1::text is null or exists (
        select from quota_unit m join unit u using (unit_id) where m.quota_id = q.quota_id and u.code = $1
    ))
    and ($2::text is null or q.code = $2)
    and ($3::date is null or q.valid_from <= $3 and (q.valid_to is null or q.valid_to > $3))
order by q.subject = 'unit', q.subject, q.key, q.code;

-- name: groups
-- The groups called $1, with their units.
select g.code, array_agg(u.code order by u.code) as units
from quota_group g join unit u using (unit_id) where g.code = any($1::text[]) group by g.code order by g.code;

-- name: forget_members
-- Take the units out of the groups called $1.
delete from quota_group where code = any($1::text[]);

-- name: write_members
-- Put units into groups: $1 groups, $2 units.
insert into quota_group (code, unit_id) select * from unnest($1::text[], $2::int4[]);

-- name: write
-- Write quotas by code: $1 an array of objects with the columns of quota; gives each its number.
insert into quota (code, subject, key, unit_id, kind, measure, product, period, limit_value, limit_unit, area_m2,
    valid_from, valid_to, source, bands, profile, min_elapsed, version)
select code, subject, key, unit_id, kind, measure, product, period, limit_value, limit_unit, area_m2,
    valid_from, valid_to, source, bands, profile, min_elapsed, version
from jsonb_populate_recordset(null::quota, $1::jsonb)
on conflict (code) do update set
    subject = excluded.subject, key = excluded.key, unit_id = excluded.unit_id, kind = excluded.kind,
    measure = excluded.measure, product = excluded.product, period = excluded.period,
    limit_value = excluded.limit_value, limit_unit = excluded.limit_unit, area_m2 = excluded.area_m2,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to, source = excluded.source, bands = excluded.bands,
    profile = excluded.profile, min_elapsed = excluded.min_elapsed, version = excluded.version
returning quota_id, code, version;

-- name: write_versions
-- Keep the texts: $1 quotas, $2 versions, $3 texts, by $4 at $5.
insert into quota_version (quota_id, version, spec, author, recorded_at)
select quota_id, version, spec::jsonb, $4, $5 from unnest($1::int4[], $2::int4[], $3::text[]) as t (quota_id, version, spec);

-- name: touch
-- Mark the units of the quotas called $1, and of those set for the groups called $2, to be judged again from the first day
-- that these quotas govern.
select touch_units(array_agg(m.unit_id), array_agg(q.valid_from))
from quota q cross join lateral (select unit_id from quota_unit where quota_id = q.quota_id offset 0) m
where q.code = any($1::text[]) or q.subject = 'group' and q.key = any($2::text[]);

-- name: notify
-- Wake the alerts service; delivered at commit.
select pg_notify('totals', '');
