-- 0007_streams: which numbers of each gateway's streams are stored, refused, dropped, still kept, or missing.

alter table gateway_status add column dropped_envelopes int8;
alter table gateway_status add column dropped_readings int8;
alter table gateway_status add column carrier text not null default 'mqtt';
alter table gateway_status add column heard_at timestamptz;
comment on column gateway_status.dropped_envelopes is 'All that the gateway dropped unconfirmed in its present stream, named in `dropped` or no more; null when it does not count.';
comment on column gateway_status.dropped_readings is 'The readings in them.';
comment on column gateway_status.carrier is 'By which way the status came: mqtt or http.';
comment on column gateway_status.heard_at is 'Data time at which the status came in.';

create table gateway_stream (
    gateway     text not null,
    stream      text not null,
    committed   int8multirange not null default '{}',
    refused     int8multirange not null default '{}',
    dropped     int8multirange not null default '{}',
    kept_from   int8,
    last_seq    int8 not null default 0,
    first_at    timestamptz not null,
    reported_at timestamptz,
    asked_at    timestamptz,
    asked       int4 not null default 0,
    primary key (gateway, stream)
);
comment on table gateway_stream is 'Every stream of every gateway: numbers committed (refused: those of them refused whole), dropped by the sender, and the highest known to be assigned.';

create table gateway_day (
    gateway   text not null,
    day       date not null,
    stream    text not null,
    last_seq  int8 not null,
    envelopes int8 not null default 0,
    readings  int8 not null default 0,
    rejected  int8 not null default 0,
    primary key (gateway, day, stream)
);
comment on table gateway_day is 'Per gateway, day (of the unit''s zone) and stream: the highest number known by the end of the day; envelopes first committed on it, their readings, and how many of these were refused.';
