-- The spool of one gateway: a SQLite file, see layout.sql.

-- name: stream
-- purpose: the stream's identity
select stream from spool;

-- name: last_seq
-- purpose: highest number ever given; outlives the envelopes
select coalesce((select seq from sqlite_sequence where name = 'envelope'), 0);

-- name: kept
-- purpose: how many are unconfirmed, by class
select class, count(*) from envelope where confirmed = 0 group by class;

-- name: heads
-- purpose: the first unconfirmed envelope of each class
select * from (
    select seq, class, readings, first_at, last_at from envelope where confirmed = 0 and class = 0 order by seq limit 1
)
union all
select * from (
    select seq, class, readings, first_at, last_at from envelope where confirmed = 0 and class = 1 order by seq limit 1
);

-- name: append
-- purpose: keep one envelope
insert into envelope (seq, class, readings, first_at, last_at, created_at, packed, body) values (?, ?, ?, ?, ?, ?, 1, ?);

-- name: fetch
-- purpose: the next unconfirmed envelopes in order of their number
select seq, packed, body from envelope where seq in (
    select * from (
        select seq from envelope
        where confirmed = 0 and class = 0 and seq > :after and seq <= :until order by seq limit :limit
    )
    union all
    select * from (
        select seq from envelope
        where confirmed = 0 and class = 1 and seq > :after and seq <= :until order by seq limit :limit
    )
) order by seq limit :limit;

-- name: fetch_class
-- purpose: the same of one class
select seq, packed, body from envelope
where confirmed = 0 and class = :class and seq > :after and seq <= :until order by seq limit :limit;

-- name: forget
-- purpose: an envelope leaves that was dropped
delete from envelope where seq = ? and confirmed = 0 returning class, readings;

-- name: classes
-- purpose: how many of these envelopes are unconfirmed, by class; looked up by number, not by walking through an index
select class, count(*) from envelope not indexed
where confirmed = 0 and seq in (select value from json_each(?)) group by class;

-- name: let_go
-- purpose: confirmed envelopes leave, all at once, since each statement waits for its turn beside a busy event loop
delete from envelope where confirmed = 0 and seq in (select value from json_each(?));

-- name: mark_confirmed
-- purpose: confirmed envelopes stay for an audit
update envelope set confirmed = 1 where confirmed = 0 and seq in (select value from json_each(?));

-- name: reopen
-- purpose: the platform asks again for envelopes that it had confirmed
update envelope set confirmed = 0 where confirmed = 1 and seq between ? and ? returning class;

-- name: forget_confirmed
-- purpose: what stays for an audit is the first to go where room is wanted
delete from envelope where seq in (
    select seq from envelope where confirmed = 1 order by seq limit ?
) returning seq;

-- name: take_drop
-- purpose: the dropped range that begins with a number, which is about to be joined to another
delete from drops where first = ? and reason = ? returning last, readings;

-- name: extend_drop
-- purpose: what was dropped right after a range of the same reason belongs to it
update drops set last = :last, readings = readings + :readings, at = :at
where first = (select max(first) from drops where first < :seq) and last = :seq - 1 and reason = :reason
returning first;

-- name: drop_range
-- purpose: write down what the bound dropped
insert into drops (first, last, reason, readings, at) values (:seq, :last, :reason, :readings, :at);

-- name: forget_drops
-- purpose: the totals go on counting what ranges beyond so many tell no more
delete from drops where first <= (select first from drops order by first desc limit 1 offset ?);

-- name: count_dropped
-- purpose: the totals since the stream began
update spool set dropped_envelopes = dropped_envelopes + ?, dropped_readings = dropped_readings + ?;

-- name: dropped_total
-- purpose: the totals since the stream began
select dropped_envelopes, dropped_readings from spool;

-- name: drops
-- purpose: the dropped ranges, the newest first
select first, last, reason from drops order by first desc limit ?;

-- name: bodies
-- purpose: all that was kept, for an audit
select packed, body from envelope order by seq;
