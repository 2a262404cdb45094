-- How a spool's file is laid out: version 2.

-- name: tables
-- purpose: tell a spool from another database
select count(*) from sqlite_schema where type = 'table' and name in ('spool', 'envelope', 'drops');

-- name: version
-- purpose: the layout's version
select version from spool;

-- name: create
-- purpose: the tables of a new spool, in which a number is never given twice, also after its envelope has left
create table spool (
    stream            text not null,
    version           integer not null,
    dropped_envelopes integer not null default 0,
    dropped_readings  integer not null default 0
);
create table envelope (
    seq        integer primary key autoincrement,
    class      integer not null,
    confirmed  integer not null default 0,
    readings   integer not null,
    first_at   integer not null,
    last_at    integer not null,
    created_at integer not null,
    packed     integer not null,
    body       blob not null
);
create table drops (
    first    integer primary key,
    last     integer not null,
    reason   text not null,
    readings integer not null,
    at       integer not null
);
create index envelope_kept on envelope (class, seq) where confirmed = 0;
create index envelope_confirmed on envelope (seq) where confirmed = 1;

-- name: begin_stream
-- purpose: name the stream, once, together with the file
insert into spool (stream, version) values (?, ?);

-- name: upgrade_1
-- purpose: version 1 had one class, bodies as they were sent, and no totals of what was dropped
alter table spool add column dropped_envelopes integer not null default 0;
alter table spool add column dropped_readings integer not null default 0;
update spool set
    version = 2,
    dropped_envelopes = coalesce((select sum(last - first + 1) from drops), 0),
    dropped_readings = coalesce((select sum(readings) from drops), 0);
alter table envelope add column class integer not null default 0;
alter table envelope add column packed integer not null default 0;
drop index envelope_unconfirmed;
create index envelope_kept on envelope (class, seq) where confirmed = 0;
create index envelope_confirmed on envelope (seq) where confirmed = 1;

-- name: quick_check
-- purpose: damage of the pages, without a look at what the indexes say
pragma quick_check(1);

-- name: integrity_check
-- purpose: find damage before anything relies on the file
pragma integrity_check(1);
