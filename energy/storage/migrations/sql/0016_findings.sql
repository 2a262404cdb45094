-- 0016_findings: what checks found in derived intervals. They mark, they never change an amount.

create table finding (
    point_id int4 not null references point,
    check_id text not null,
    since    timestamptz not null,
    until    timestamptz not null check (until >= since),
    severity text not null check (severity in ('warning', 'failure')),
    detail   jsonb not null,
    primary key (point_id, check_id, since)
);
comment on table finding is 'What a check found: a function of intervals, readings and the check''s parameters; found anew when they change.';
