-- How rejects get into the database, within the transaction of their batch.

-- name: create_staging
-- Where rejects arrive by COPY; once per connection, emptied by every commit.
create temporary table if not exists rejects_staging (
    received_at   timestamptz not null,
    carrier       text not null,
    gateway       text,
    source        text not null,
    stream        text,
    seq           int8,
    reading_index int4,
    point         text,
    code          text not null,
    detail        text not null,
    payload       bytea not null,
    batch         int8 not null
) on commit delete rows;

-- name: keep_staged
-- Keep what was refused; the same refusal of a message that comes again is there already.
insert into rejects (
    received_at, carrier, gateway, source, stream, seq, reading_index, point, code, detail, payload, batch
)
select received_at, carrier, gateway, source, stream, seq, reading_index, point, code, detail, payload, batch
from rejects_staging
on conflict do nothing;
