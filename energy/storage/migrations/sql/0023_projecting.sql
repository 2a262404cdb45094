-- 0023_projecting: the course of units' use, by which projections are made.

create table unit_course (
    unit_id        int4 not null references unit on delete cascade,
    measure        text not null,
    as_of          date not null,
    recent_sum     float8[] not null check (cardinality(recent_sum) = 3),
    recent_squares float8[] not null check (cardinality(recent_squares) = 3),
    recent_days    float8[] not null check (cardinality(recent_days) = 3),
    year           int2 not null default 0,
    year_sum       float8[] not null default array_fill(0, array[36]) check (cardinality(year_sum) = 36),
    year_days      float8[] not null default array_fill(0, array[36]) check (cardinality(year_days) = 36),
    recent_changed boolean not null default false,
    year_changed   boolean not null default false,
    primary key (unit_id, measure)
) with (fillfactor = 70);
comment on table unit_course is 'What projections need of the past, per unit and measure of a quota of it or of a group of it, in the measure''s own unit: sums over known days only, computed by the alerts service when the unit''s local day as_of began, and again when earlier days changed.';
comment on column unit_course.recent_sum is 'Use in the 28 days that end before the day before as_of, per class of day: working, rest, holiday (energy.working_days).';
comment on column unit_course.recent_squares is 'The sum of the squares of those days'' use, likewise.';
comment on column unit_course.recent_days is 'How many of those days are known, likewise.';
comment on column unit_course.year is 'The calendar year before as_of, of which year_sum and year_days are.';
comment on column unit_course.year_sum is 'Use in that year per month and class of day: number 3 x (month - 1) + class, from 1 for working days in January.';
comment on column unit_course.recent_changed is 'Days of the four weeks changed since they were summed, and year_changed likewise: not yet summed again.';
comment on column unit_course.year_days is 'How many days of that year are known, likewise.';

create function course_days(units int4[], since date[], until date[])
returns table (unit_id int4, measure text, day date, amount numeric) language sql stable as $$
    with days as (
        select d.unit_id, d.day, d.carrier, d.amount, d.kgce, d.kgce_equal, d.kgco2, c.metered,
            d.quality <= 2 and d.ready >= ((d.day + 1)::timestamp at time zone u.time_zone) as known
        from unnest(units, since, until) as a (unit_id, since, until)
        join unit u on u.unit_id = a.unit_id
        join unit_day d on d.unit_id = a.unit_id and d.day >= a.since and d.day < a.until
        join unit_carrier c on c.unit_id = d.unit_id and c.carrier = d.carrier
    ),
    gates as (
        select c.unit_id, count(*) as metered from unit_carrier c
        where c.unit_id = any(units) and c.metered group by c.unit_id
    ),
    totals as (
        select d.unit_id, d.day, sum(d.kgce) as kgce, sum(d.kgce_equal) as kgce_equal, sum(d.kgco2) as kgco2
        from days d left join gates g on g.unit_id = d.unit_id
        group by d.unit_id, d.day, g.metered
        having bool_and(d.known) and count(*) filter (where d.metered) = coalesce(g.metered, 0)
    )
    select d.unit_id, d.carrier, d.day, d.amount from days d where d.known
    union all
    select t.unit_id, m.measure, t.day, m.kg / 1000
    from totals t
    cross join lateral (values ('tce', t.kgce), ('tce_equal', t.kgce_equal), ('tco2', t.kgco2)) as m (measure, kg)
$$;
comment on function course_days is 'What is known of units'' days from since until before until, per measure in its own unit: days that are complete and of which nothing is missing or suspect; of all carriers together only days of which all metered carriers are known.';
