-- 0005_ingest_parts: rejects that say by which way they came and can be replayed; the envelopes of each batch.

alter table rejects rename column topic to source;
alter table rejects add column carrier text not null default 'mqtt';
alter table rejects alter column carrier drop default;
alter table rejects add column gateway text;
alter table rejects add column batch int8;
alter table rejects add column replayed_by int8;
alter table rejects add column point text;
update rejects set gateway = split_part(source, '/', 4) where source ~ '^qw/1/[0-9]{6}/[a-z0-9][a-z0-9-]{0,62}/';
update rejects set point = substring(convert_from(payload, 'UTF8') from '^\["([A-Za-z0-9._-]{1,64})"')
where reading_index is not null;
drop index rejects_once, rejects_unidentified_once;
create unique index rejects_once on rejects
    (coalesce(gateway, ''), source, stream, seq, reading_index, code, (md5(payload)::uuid)) nulls not distinct;
comment on index rejects_once is 'A message that comes again is refused again, but kept once; another one under its number is kept too.';
-- In a flood as much is removed as comes in: what is removed should not wait long for the room to be used again.
alter table rejects set (autovacuum_vacuum_scale_factor = 0.05);
create index rejects_by_gateway on rejects (coalesce(gateway, ''), reject_id);
comment on column rejects.point is 'The point that a refused reading names; null for a whole message.';
comment on column rejects.carrier is 'The way in: mqtt, http, sparkplug, csv, replay (readings of a message that was refused whole before).';
comment on column rejects.source is 'Where it came in: the topic, or what stands for it.';
comment on column rejects.gateway is 'Who sent it; null when that could not be read.';
comment on column rejects.batch is 'The batch with which it was kept.';
comment on column rejects.replayed_by is 'The batch that stored it after all; null as long as none did.';

create table batch_envelopes (
    batch    int8 primary key,
    gateways text[] not null,
    streams  text[] not null,
    sender   int4[] not null,
    seq      int8[] not null,
    readings int4[] not null,
    rejected int4[] not null,
    followed boolean not null default false
);
create index batch_envelopes_unfollowed on batch_envelopes (batch) where not followed;
comment on table batch_envelopes is 'The numbered envelopes of each batch, one array entry each: sender is an index into gateways and streams, readings is 0 where the envelope was refused whole. followed: already counted in gateway_stream and gateway_day.';
