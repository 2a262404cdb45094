-- 0019_quotas: quotas of units and groups, of all kinds, versioned, with their documents.

drop view board.quota_status, board.flagged, board.quota_history;

create table quota_group (
    code    text not null,
    unit_id int4 not null references unit,
    primary key (code, unit_id)
);
comment on table quota_group is 'Groups of units that quotas are set for and that the registry does not know, such as the members of an enterprise group.';

alter table quota alter column unit_id drop not null;
alter table quota drop constraint quota_period_check;
alter table quota add check (period in ('day', 'statistics_month', 'month', 'quarter', 'year'));
alter table quota drop column rule;
alter table quota add column subject text not null default 'unit'
    check (subject in ('unit', 'group', 'district', 'city', 'industry', 'size_class'));
alter table quota add column key text;
alter table quota add column kind text not null default 'quota' check (kind in ('quota', 'budget'));
alter table quota add column product text;
alter table quota add column area_m2 numeric check (area_m2 > 0);
alter table quota add column bands jsonb not null default '[]';
alter table quota add column profile jsonb not null default '{"kind": "even"}';
alter table quota add column min_elapsed float8;
alter table quota add column version int4 not null default 1;
update quota q set key = u.code from unit u where u.unit_id = q.unit_id;
alter table quota alter column key set not null;
alter table quota add check ((subject = 'unit') = (unit_id is not null));
comment on table quota is 'Quotas in force and past: of whom (subject, key; unit_id where it is a unit), measure (tce, tce_equal, tco2, a carrier, demand, intensity of a product or of output value, per m2), period, limit, dated, from a document.';

create table quota_version (
    quota_id    int4 not null references quota,
    version     int4 not null,
    spec        jsonb not null,
    author      text not null,
    recorded_at timestamptz not null,
    primary key (quota_id, version)
);
comment on table quota_version is 'Every text a quota has had, insert-only; evidence names the version it was judged by.';
