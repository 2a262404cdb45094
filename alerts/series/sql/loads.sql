-- name: void
-- Take the marks: the days that they name follow from nothing that still stands.
with marks as (delete from unit_load_dirty returning unit_id, day)
update unit_load_day k set basis = 0 from (select distinct unit_id, day from marks) m
where k.unit_id = m.unit_id and k.day = m.day;

-- name: stale
-- Days from $1 to $2 whose row in unit_load_day is missing or void, or follows from something else
-- than what now stands; of a day that is still open only when a quarter hour has ended since, by the data and by $3.
with days as (
    select d.unit_id, d.day, u.time_zone as zone, u.district, d.ready,
        $3::timestamptz < day_start(d.day + 1, u.time_zone) as open,
        row(d.purchased, d.covered_s, d.metered_quality, d.quality, d.ready)::text as total
    from unit_day d
    join unit u using (unit_id)
    where d.carrier = 'electricity' and d.day between $1 and $2
        and day_start(d.day, u.time_zone) < $3::timestamptz
),
placed as (
    select p.unit_id, p.day, t.table_id
    from (
        select d.unit_id, d.day, d.district, coalesce((
            select v.voltage from unit_voltage v
            where v.unit_id = d.unit_id and v.valid_from <= d.day order by v.valid_from desc limit 1
        ), '') as voltage
        from days d
    ) p
    cross join lateral (
        select t.table_id from time_of_use_table t
        where t.replaced_at is null and t.valid_from <= p.day and p.district like t.region || '%'
            and t.voltage in ('', p.voltage)
        order by length(t.region) desc, t.voltage = '', t.valid_from desc
        limit 1
    ) t
)
select d.unit_id, d.day, d.zone, coalesce(t.table_id, 0) as table_id, b.basis
from days d
left join placed t using (unit_id, day)
cross join lateral (select hashtextextended(concat_ws('|', d.total, d.zone, t.table_id), 0) as basis) b
left join unit_load_day k using (unit_id, day)
where k.unit_id is null or k.basis = 0 or case
    when d.open then k.basis <> b.basis
        and date_bin('15 minutes', least(d.ready, $3), 'epoch') > coalesce(k.until, day_start(d.day, d.zone))
    else k.basis <> b.basis
end
order by d.day desc, d.unit_id;

-- name: forget
-- Take away the days from $1 to $2 of which no total stands any more.
delete from unit_load_day k
where k.day between $1 and $2 and not exists (
    select from unit_day d where d.unit_id = k.unit_id and d.day = k.day and d.carrier = 'electricity'
);

-- name: computed
-- The shape of the days $2 of units $1, of classes $3, by the time-of-use tables $4 (0: none), as far as known at $6;
-- $5 is passed on. $7, $8: bounds of all these days, so that chunks outside are not opened.
with keys as (
    select k.*, u.time_zone as zone, day_start(k.day, u.time_zone) as since,
        day_start(k.day + 1, u.time_zone) as until, n.points,
        extract(epoch from (k.day + time '05:00') at time zone u.time_zone - day_start(k.day, u.time_zone)) / 900 as night_due
    from unnest($1::int4[], $2::date[], $3::text[], $4::int4[], $5::int8[]) as k (unit_id, day, day_class, table_id, basis)
    join unit u using (unit_id)
    cross join lateral (
        select count(*) as points from balance_point b
        where b.unit_id = k.unit_id and b.carrier = 'electricity' and b.flow = 'purchased'
    ) n
),
quarters as (
    select k.unit_id, k.day, c.ts, k.day_class, k.table_id,
        (extract(hour from c.ts at time zone k.zone) * 4
            + floor(extract(minute from c.ts at time zone k.zone) / 15))::int2 as quarter,
        sum(c.quanta * b.quantum) as kwh,
        count(c.quanta) = k.points as known,
        count(*) filter (where c.quanta is not null and c.quality < 2) = k.points as sound
    from keys k
    join balance_point b on b.unit_id = k.unit_id and b.carrier = 'electricity' and b.flow = 'purchased'
    cross join lateral (
        select ts, quanta, quality from validated_15min
        where point_id = b.point_id and ts >= k.since and ts < k.until and ts >= $7 and ts < $8
            and ts <= $6::timestamptz - interval '15 minutes' and ready >= ts + interval '15 minutes'
        offset 0
    ) c
    group by k.unit_id, k.day, c.ts, k.day_class, k.table_id, k.zone, k.points
),
shapes as (
    select q.unit_id, q.day,
        max(q.ts) filter (where sound) + interval '15 minutes' as until,
        (array_agg(kwh * 4 order by q.ts desc) filter (where sound))[1]::float8 as latest_kw,
        max(kwh * 4) filter (where sound)::float8 as demand_kw,
        (array_agg(q.ts order by kwh desc, q.ts) filter (where sound))[1] as demand_at,
        count(*) filter (where known)::int2 as known,
        count(*) filter (where sound)::int2 as sound,
        sum(kwh)::float8 as kwh,
        count(*) filter (where known and q.quarter < 20) as night_known,
        (avg(kwh * 4) filter (where known and q.quarter < 20))::float8 as night_kw,
        count(*) filter (where known and q.quarter between 32 and 71) as work_known,
        (avg(kwh * 4) filter (where known and q.quarter between 32 and 71))::float8 as work_kw,
        count(kwh) filter (where s.kind is null) = 0 as by_kind,
        sum(kwh) filter (where s.kind = 'sharp_peak')::float8 as sharp_peak_kwh,
        sum(kwh) filter (where s.kind = 'peak')::float8 as peak_kwh,
        sum(kwh) filter (where s.kind = 'flat')::float8 as flat_kwh,
        sum(kwh) filter (where s.kind = 'valley')::float8 as valley_kwh,
        sum(kwh) filter (where s.kind = 'deep_valley')::float8 as deep_valley_kwh,
        sum(kwh) filter (where s.kind = 'forbidden')::float8 as forbidden_kwh
    from quarters q
    left join time_of_use_slot s
        on s.table_id = q.table_id and s.month = extract(month from q.day) and s.day_class = q.day_class
        and s.quarter = q.quarter
    group by q.unit_id, q.day
)
select k.unit_id, k.day, k.day_class, nullif(k.table_id, 0) as table_id, k.basis, s.until, s.latest_kw, s.demand_kw,
    s.demand_at, (extract(epoch from k.until - k.since) / 900)::int2 as due, coalesce(s.known, 0)::int2 as known,
    coalesce(s.sound, 0)::int2 as sound, s.kwh,
    case when s.night_known >= k.night_due then s.night_kw end as night_kw,
    case when s.work_known >= 40 then s.work_kw end as work_kw,
    case when by_kind and kwh is not null then coalesce(s.sharp_peak_kwh, 0) end as sharp_peak_kwh,
    case when by_kind and kwh is not null then coalesce(s.peak_kwh, 0) end as peak_kwh,
    case when by_kind and kwh is not null then coalesce(s.flat_kwh, 0) end as flat_kwh,
    case when by_kind and kwh is not null then coalesce(s.valley_kwh, 0) end as valley_kwh,
    case when by_kind and kwh is not null then coalesce(s.deep_valley_kwh, 0) end as deep_valley_kwh,
    case when by_kind and kwh is not null then coalesce(s.forbidden_kwh, 0) end as forbidden_kwh
from keys k left join shapes s using (unit_id, day)

-- name: dated
-- Rows of units $2 (null: all) from $3 to $4, up to the local day of $1, with what follows from each. What knows more than
-- $1 is left out: to those who look back it is not known, instead of known too early.
with dated as (
    select l.*, u.today, date_trunc('month', u.today)::date as month, l.kwh / (l.due / 4.0) as mean_kw,
        l.known >= 0.95 * l.due as whole,
        l.sharp_peak_kwh + l.peak_kwh as peaks,
        l.sharp_peak_kwh + l.peak_kwh + l.flat_kwh + l.valley_kwh + l.deep_valley_kwh + l.forbidden_kwh as by_kind
    from unit_load_day l
    join (
        select unit_id, ($1::timestamptz at time zone time_zone)::date as today from unit
        where $2::int4[] is null or unit_id = any($2)
    ) u using (unit_id)
    where l.day between $3 and $4 and l.day <= u.today and (l.until is null or l.until <= $1)
)

-- name: demand
-- The latest quarter hour, unless it is older than an hour, and the greatest of the month with its beginning: the first
-- of equal ones.
select unit_id,
    (max(array[extract(epoch from until), latest_kw]) filter (where until > $1::timestamptz - interval '1 hour'))[2]
        as demand_kw,
    (max(array[demand_kw, -extract(epoch from demand_at)]) filter (where demand_kw is not null))[1] as demand_max_kw,
    -(max(array[demand_kw, -extract(epoch from demand_at)]) filter (where demand_kw is not null))[2] as demand_max_at
from dated where day >= month group by unit_id

-- name: hours
-- Use by kind of hour, of today and of yesterday.
select unit_id, max(forbidden_kwh) filter (where day = today) as forbidden_kwh, max(peaks) filter (where day = today) as peak_kwh,
    max(peaks / nullif(by_kind, 0)) filter (where day = today - 1 and whole) as peak_share
from dated where day >= today - 1 group by unit_id

-- name: month_hours
-- Use by kind of hour in the month.
select unit_id, sum(peaks) / nullif(sum(by_kind), 0) as peak_share_month
from dated where day >= month group by unit_id

-- name: base
-- The last night and the last day off against the working days of 28 days, of which five must be known whole.
select unit_id,
    case when count(work_kw) filter (where worked) >= 5 then
        coalesce(max(night_kw) filter (where day = today), max(night_kw) filter (where day = today - 1))
            / nullif(avg(work_kw) filter (where worked), 0)
    end as night_base,
    case when count(*) filter (where worked and whole) >= 5 then
        (max(array[day - date '1970-01-01', mean_kw]) filter (where off))[2]
            / nullif(avg(mean_kw) filter (where worked and whole), 0)
    end as holiday_base
from (
    select *, day_class = 'working' and day < today as worked,
        day_class <> 'working' and whole and day between today - 14 and today - 1 as off
    from dated where day >= today - 28
) days
group by unit_id
