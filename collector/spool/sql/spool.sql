-- The spool of one gateway: a SQLite file.

-- name: set_up
-- purpose: every commit is on the disk before it counts as kept, and readers never wait
pragma journal_mode = wal;
pragma synchronous = full;

-- name: create
-- purpose: the tables of a new spool; a number is never given twice, also after its envelope has left
create table if not exists spool (
    stream  text not null,
    version integer not null
);
create table if not exists envelope (
    seq        integer primary key autoincrement,
    body       blob not null,
    readings   integer not null,
    first_at   integer not null,
    last_at    integer not null,
    created_at integer not null,
    confirmed  integer not null default 0
);
create index if not exists envelope_unconfirmed on envelope (seq) where confirmed = 0;
create table if not exists drops (
    first    integer primary key,
    last     integer not null,
    reason   text not null,
    readings integer not null,
    at       integer not null
);

-- name: check_file
-- purpose: find damage before anything relies on the file
pragma quick_check(1);

-- name: stream
-- purpose: the stream's identity and the layout's version
select stream, version from spool;

-- name: begin_stream
-- purpose: name the stream, once, together with the file
insert into spool (stream, version) values (?, ?);

-- name: last_seq
-- purpose: highest number ever given; outlives the envelopes
select coalesce((select seq from sqlite_sequence where name = 'envelope'), 0);

-- name: kept
-- purpose: what is still unconfirmed, by number and size
select count(*), coalesce(sum(length(body)), 0) from envelope where confirmed = 0;

-- name: append
-- purpose: keep one envelope
insert into envelope (seq, body, readings, first_at, last_at, created_at) values (?, ?, ?, ?, ?, ?);

-- name: fetch
-- purpose: the next unconfirmed envelopes in order of their number
select seq, body from envelope where confirmed = 0 and seq > ? order by seq limit ?;

-- name: forget
-- purpose: an envelope leaves, confirmed or dropped
delete from envelope where seq = ? and confirmed = 0 returning length(body);

-- name: mark_confirmed
-- purpose: a confirmed envelope stays for an audit
update envelope set confirmed = 1 where seq = ? and confirmed = 0 returning length(body);

-- name: reopen
-- purpose: the platform asks again for envelopes that it had confirmed
update envelope set confirmed = 0 where confirmed = 1 and seq between ? and ? returning length(body);

-- name: oldest
-- purpose: the first envelopes that the bound would drop
select seq, length(body), readings, last_at from envelope where confirmed = 0 order by seq limit ?;

-- name: drop_range
-- purpose: write down what the bound dropped
insert into drops (first, last, reason, readings, at) values (?, ?, ?, ?, ?);

-- name: extend_drop
-- purpose: what was dropped right after a range of the same reason belongs to it
update drops set last = ?, readings = readings + ?, at = ? where last = ? and reason = ?;

-- name: drops
-- purpose: the dropped ranges, the newest first
select first, last, reason from drops order by first desc limit ?;

-- name: bodies
-- purpose: all that was kept, for an audit
select body from envelope order by seq;
