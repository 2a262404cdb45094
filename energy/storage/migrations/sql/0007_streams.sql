-- 0007_streams: which numbers of each gateway's streams are stored, refused, dropped, still to come, or missing.

create function seq_span(first int8, last int8) returns int8multirange
language sql immutable parallel safe
return case
    when first > last then '{}'::int8multirange
    else int8multirange(int8range(first, nullif(last, 9223372036854775807) + 1))
end;
comment on function seq_span is 'The numbers from first to last, none when first > last; the greatest int8 has no bound above it.';

create function seq_count(numbers int8multirange) returns numeric
language sql immutable parallel safe
return (
    select coalesce(sum(coalesce(upper(part)::numeric, 9223372036854775808) - lower(part)), 0) from unnest(numbers) as part
);
comment on function seq_count is 'How many numbers there are in ranges of envelope numbers.';

create function seq_text(numbers int8multirange, most int4) returns text
language sql immutable parallel safe
return (
    select coalesce(string_agg(
        case
            when place > most then '…'
            when coalesce(upper(part) - 1, 9223372036854775807) = lower(part) then lower(part)::text
            else lower(part) || '-' || coalesce(upper(part) - 1, 9223372036854775807)
        end, ' ' order by place), '')
    from unnest(numbers) with ordinality as parts (part, place) where place <= most + 1
);
comment on function seq_text is 'Ranges as a person reads them, `12-14 20`; after the first `most` of them an ellipsis.';

alter table gateway_status add column dropped_envelopes int8;
alter table gateway_status add column dropped_readings int8;
alter table gateway_status add column carrier text not null default 'mqtt';
alter table gateway_status add column via text not null default '';
alter table gateway_status add column heard_at timestamptz;
comment on column gateway_status.dropped_envelopes is 'All that the gateway dropped unconfirmed in its present stream, named in `dropped` or no more; null when it does not count.';
comment on column gateway_status.dropped_readings is 'The readings in them.';
comment on column gateway_status.carrier is 'By which way the gateway is online, or was last: mqtt or http.';
comment on column gateway_status.via is 'Which broker or address that is: another one''s last will does not make the gateway offline.';
comment on column gateway_status.heard_at is 'Data time at which the status came in.';

create table gateway_stream (
    gateway           text not null,
    stream            text not null,
    stored            int8multirange not null default '{}',
    refused           int8multirange not null default '{}',
    dropped           int8multirange not null default '{}',
    last_seq          int8 not null default 0,
    kept_from         int8 not null default 1,
    announced         int8 not null default 1,
    dropped_envelopes int8,
    dropped_readings  int8,
    first_at          timestamptz not null,
    latest_at         timestamptz,
    reported_at       timestamptz,
    named             int8multirange not null default '{}',
    recalled          int8multirange not null default '{}',
    wanted            int8multirange,
    asked             int8 not null default 0,
    asked_at          timestamptz,
    superseded        boolean not null default false,
    settled_to        int8 not null default 0,
    settled_gone      int8 not null default 0,
    open              int8multirange not null
                      generated always as (seq_span(settled_to + 1, last_seq) - stored - refused - dropped) stored,
    missing           int8multirange not null
                      generated always as (
                          seq_span(
                              settled_to + 1,
                              case when superseded then last_seq else least(kept_from - 1, last_seq) end
                          ) - stored - refused - dropped
                      ) stored,
    primary key (gateway, stream)
) with (fillfactor = 70);
create index gateway_stream_open on gateway_stream (gateway, stream) where open <> '{}'::int8multirange;
create index gateway_stream_announced on gateway_stream (gateway, stream) where announced > kept_from;
comment on table gateway_stream is 'Every stream of every gateway: the numbers of envelopes stored, refused whole, dropped by the sender. These only grow, so that the order in which commits and statuses are followed does not matter.';
comment on column gateway_stream.last_seq is 'The highest number known to be assigned.';
comment on column gateway_stream.kept_from is 'Below it the gateway keeps nothing.';
comment on column gateway_stream.announced is 'kept_from of the newest status, taken over when all that was committed before is followed.';
comment on column gateway_stream.latest_at is 'Data time of the latest commit with an envelope of it.';
comment on column gateway_stream.named is 'Missing numbers that a line of the log has named.';
comment on column gateway_stream.recalled is 'Missing numbers that the gateway was asked for, once.';
comment on column gateway_stream.wanted is 'What a gateway that posts over HTTP is asked for in the answer to its next status.';
comment on column gateway_stream.asked is 'How often the gateway was asked to send again.';
comment on column gateway_stream.superseded is 'The gateway has another stream now: it keeps nothing of this one.';
comment on column gateway_stream.settled_to is 'Numbers up to it were too much in pieces to be kept one by one: gateway_day has counts of them, and whatever becomes of one later changes nothing.';
comment on column gateway_stream.settled_gone is 'How many of these were dropped, or had not come.';
comment on column gateway_stream.open is 'Numbers up to last_seq, but for settled ones, that are neither stored, nor refused, nor dropped.';
comment on column gateway_stream.missing is 'Those of them that the gateway does not keep; the others are to come.';

create table gateway_day (
    gateway   text not null,
    stream    text not null,
    day       date not null,
    last_seq  int8 not null,
    envelopes int8 not null default 0,
    readings  int8 not null default 0,
    rejected  int8 not null default 0,
    settled_stored  int8 not null default 0,
    settled_refused int8 not null default 0,
    settled_dropped int8 not null default 0,
    settled_missing int8 not null default 0,
    primary key (gateway, stream, day)
);
create index gateway_day_day on gateway_day (day);
-- What was heard of before a day: without it the ledger of a day reads all days before.
create index gateway_day_before on gateway_day (gateway, stream, last_seq, day);
comment on table gateway_day is 'Per gateway, stream and day (of the unit''s zone): the highest number heard of on it; envelopes first committed on it, their readings, and how many of these were refused; of its numbers that are settled what had become of them. Stream others stands for all beyond a gateway''s first ones of a day: their envelopes are counted as often as they come, their numbers are not followed.';

-- What boards read -----------------------------------------------------------------------------------------------

create or replace view board.gateway as
select
    gateway.code as gateway,
    gateway.region,
    unit.code as unit,
    unit.name_zh,
    unit.name_en,
    coalesce(status.online, false) as online,
    status.reported_at is not null as seen,
    status.reported_at,
    status.stream,
    status.last_seq,
    status.kept_from,
    case when status.kept_from is null then 0 else greatest(status.last_seq - status.kept_from + 1, 0) end as kept,
    coalesce(status.dropped_envelopes, (
        select least(
            sum(greatest((item ->> 'last')::numeric - (item ->> 'first')::numeric + 1, 0)), 9223372036854775807
        )::int8
        from jsonb_array_elements(status.dropped) as item
    ), 0) as dropped,
    status.carrier
from gateway
join unit using (unit_id)
left join gateway_status as status on status.gateway = gateway.code;
comment on view board.gateway is 'Each registered gateway with its last status: seen (ever), online, by which carrier, and how many envelopes it keeps unconfirmed (at most) and has dropped in its present stream.';

create view board.gap as
select
    stream.gateway,
    unit.code as unit,
    stream.stream,
    stream.last_seq,
    seq_count(stream.open - stream.missing) as to_come,
    seq_count(stream.missing) as missing,
    seq_text(stream.open - stream.missing, 20) as to_come_numbers,
    seq_text(stream.missing, 20) as missing_numbers,
    least(
        greatest(stream.dropped_envelopes - seq_count(stream.dropped) - stream.settled_gone, 0),
        seq_count(stream.missing)
    ) as dropped_unnamed,
    stream.asked,
    stream.asked_at,
    stream.latest_at
from gateway_stream as stream
left join gateway on gateway.code = stream.gateway
left join unit using (unit_id)
where stream.open <> '{}'::int8multirange;
comment on view board.gap is 'Streams with open numbers: to_come are kept by the gateway, missing are not and never came; of these dropped_unnamed were dropped so long ago that the gateway counts them but names them no more. The lowest twenty ranges are named. Without numbers that are settled: what of a stream''s past is in thousands of pieces is counted in board.ledger and followed no more.';

create view board.ledger as
select
    day.gateway,
    unit.code as unit,
    day.day,
    day.stream,
    counted.expected,
    counted.stored,
    counted.refused,
    counted.dropped,
    counted.to_come,
    counted.missing,
    counted.expected - counted.stored - counted.refused - counted.dropped - counted.to_come - counted.missing
        as difference,
    day.envelopes,
    day.readings,
    day.rejected,
    case when isempty(of_dropped) then '' else seq_text(of_dropped, 20) end as dropped_numbers,
    case when isempty(of_to_come) then '' else seq_text(of_to_come, 20) end as to_come_numbers,
    case when isempty(of_missing) then '' else seq_text(of_missing, 20) end as missing_numbers
from gateway_day as day
join gateway_stream as stream using (gateway, stream)
-- Each step is computed once a row (offset 0): the planner would write the expressions into each other.
cross join lateral (
    select seq_span(1, day.last_seq) - seq_span(1, greatest(stream.settled_to, (
        select max(earlier.last_seq) from gateway_day as earlier
        where earlier.gateway = day.gateway and earlier.stream = day.stream and earlier.day < day.day
    ))) as numbers
    offset 0
) as known
cross join lateral (
    select
        numbers * stream.stored as of_stored,
        numbers * stream.refused - stream.stored as of_refused,
        numbers * stream.dropped - stream.stored - stream.refused as of_dropped,
        numbers * stream.open - stream.missing as of_to_come,
        numbers * stream.missing as of_missing
    offset 0
) as part
cross join lateral (
    -- Most parts are empty, and a call of a function is not free.
    select
        day.settled_stored + day.settled_refused + day.settled_dropped + day.settled_missing + seq_count(numbers)
            as expected,
        day.settled_stored + seq_count(of_stored) as stored,
        day.settled_refused + case when isempty(of_refused) then 0 else seq_count(of_refused) end as refused,
        day.settled_dropped + case when isempty(of_dropped) then 0 else seq_count(of_dropped) end as dropped,
        case when isempty(of_to_come) then 0 else seq_count(of_to_come) end as to_come,
        day.settled_missing + case when isempty(of_missing) then 0 else seq_count(of_missing) end as missing
    offset 0
) as counted
left join gateway on gateway.code = day.gateway
left join unit using (unit_id);
comment on view board.ledger is 'Per gateway, day and stream the envelopes whose numbers were first heard of on that day: expected = stored + refused + dropped + to_come + missing, difference is always 0. envelopes, readings and rejected (of the readings) were first committed on that day. Settled numbers (see board.gap) are counted and not named, missing for good if they had not come. Stream others: envelopes beyond the 24 new streams a day that are followed of a gateway.';

create view board.completeness as
with calendar as (
    select generate_series(min(day), max(day), interval '1 day')::date as day from gateway_day
), newest as (
    select committed_at from ingest_batch order by batch desc limit 1
)
select
    unit.code as unit,
    gateway.code as gateway,
    meter.code as meter,
    point.code as point,
    calendar.day,
    span.until as judged_until,
    due.expected,
    least(got.received, due.expected) as received,
    round(least(got.received, due.expected)::numeric / nullif(due.expected, 0), 4) as share,
    10 * least(got.received, due.expected) >= 9 * due.expected as complete
from calendar
cross join point
join meter using (meter_id)
join unit using (unit_id)
join gateway using (gateway_id)
cross join lateral (
    select
        calendar.day::timestamp at time zone unit.time_zone as since,
        least((calendar.day + 1)::timestamp at time zone unit.time_zone, (select committed_at from newest)) as until
) as span
cross join lateral (
    select greatest(floor(extract(epoch from span.until - span.since) / point.interval_s), 0)::int8 as expected
) as due
cross join lateral (
    select count(distinct round(extract(epoch from ts - first_ts) / point.interval_s)) as received
    from (
        select ts, min(ts) over () as first_ts
        from (
            select ts from readings
            where point_id = point.point_id and ts >= span.since and ts < span.until and quality <> 3
            union all
            select ts from reading_conflicts
            where point_id = point.point_id and ts >= span.since and ts < span.until and quality <> 3
        ) as available
    ) as placed
) as got;
comment on view board.completeness is 'Per point and day of its unit''s zone: how many readings were due at its interval and how many came, whenever that was; one per interval counts, without value none. The latest day is judged up to judged_until; complete is the 90 % of the national rule. Ask for a day, and for a unit or gateway.';
