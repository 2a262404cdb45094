-- 0021_evaluation: what must be judged again, and the figures of every quota.

create table unit_touched (
    unit_id int4 primary key,
    since   date not null
);
comment on table unit_touched is 'Units whose totals, entries, quotas or findings changed since alerts last looked, and from which day on; bounded by the number of units. Taken and deleted by the alerts service; lost marks are made up for by its full evaluations.';

create table quota_figure (
    quota_id      int4 not null references quota,
    period_start  date not null,
    used          float8,
    limit_value   float8 not null,
    used_share    float8,
    elapsed_share float8 not null,
    pace          float8,
    projected     float8,
    projected_low float8,
    projected_high float8,
    method        text not null default '',
    exhausted_at  timestamptz,
    verdict       text not null,
    severity      text not null,
    colour        text not null,
    quality       int2,
    provisional   boolean not null default false,
    ready         timestamptz,
    evaluated_at  timestamptz not null,
    primary key (quota_id, period_start)
) with (fillfactor = 50);
comment on table quota_figure is 'The figures of each quota in each period, as last judged; unit of measure is the quota''s limit_unit.';

drop table quota_state, quota_transition;
