-- 0016_findings: what checks found in derived intervals. They mark, they never change an amount.

create table finding (
    point_id int4 not null references point on delete cascade,
    day      date not null,
    check_id text not null,
    since    timestamptz not null,
    until    timestamptz not null check (until > since),
    severity text not null check (severity in ('warning', 'failure')),
    detail   jsonb not null,
    primary key (point_id, day, check_id, since)
);
create index finding_day on finding (day);
create index finding_failing on finding (point_id, until) where severity = 'failure';
comment on table finding is 'What a check found: a function of intervals, readings, registry and the check''s parameters; found anew when they change. It belongs to the local day that was judged (high_low: to the first day of its month); what began before midnight may begin before its day.';

create table validation_day (
    block       int4 not null,
    day         date not null,
    marked      boolean not null,
    at_once     boolean not null default false,
    judged_at   timestamptz,
    fingerprint int8,
    primary key (block, day)
);
create index validation_day_marked on validation_day (day) where marked;
comment on table validation_day is 'Local days of blocks of points (point_id / 1000): marked when something that findings rest on changed since they were judged; at_once, when a person''s edit may be why; judged_at is the data time at which they were last, fingerprint tells by which parameters and registry.';

create view failing_span as
select point_id, since, until from finding where severity = 'failure';
comment on view failing_span is 'Spans of time in which a check of a point failed: what overlaps them is suspect, unless a person accepted it.';

create view validated_15min as
select
    c.point_id, c.ts, c.quanta,
    case
        when c.quality < 3 and c.flags & 8192 = 0 and exists (
            select from failing_span f
            where f.point_id = c.point_id and f.since < c.ts + interval '15 minutes' and f.until > c.ts
        ) then 3::int2
        else c.quality
    end as quality,
    c.covered_s, c.ready, c.method, c.flags
from consumption_15min c;
comment on view validated_15min is 'Intervals with the quality that boards and totals see: suspect (3) where a check failed and nobody accepted it (flag 8192), else that of the interval itself.';

create view board.finding as
select
    u.code as unit, m.code as meter, p.code as point, m.carrier, m.level, f.day, f.check_id as "check",
    f.severity, f.since, f.until, f.detail
from finding f
join point p using (point_id)
join meter m using (meter_id)
join unit u using (unit_id);
comment on view board.finding is
    'What checks found of each point in the span from since to until, by the local day that was judged (high_low: by the first day of the month); detail holds the figures that it rests on, amounts in the carrier''s base unit. A failure makes what it covers suspect, a warning asks to look. It goes away when its cause does.';
