-- 0013_entries: what units fill in: purchases, stocks, sales, feedstock, production, output value, certificates.

create table entry (
    entry_id    int8 primary key generated always as identity,
    unit_id     int4 not null references unit,
    kind        text not null check (kind in ('purchase', 'stock', 'sale', 'feedstock', 'output', 'output_value', 'certificate', 'certificate_base', 'statement')),
    subject     text not null,
    first_day   date not null check (isfinite(first_day)),
    last_day    date not null check (last_day >= first_day and isfinite(last_day)),
    amount      numeric not null check (amount >= 0 and amount < 'infinity'),
    unit        text not null,
    given       numeric,
    given_unit  text,
    source      text not null check (source in ('file', 'api', 'hand')),
    document    text not null default '',
    author      text not null check (author <> ''),
    reason      text not null default '',
    recorded_at timestamptz not null,
    replaces    int8 references entry,
    replaced_by int8 references entry deferrable initially deferred,
    undone_at   timestamptz,
    undone_by   text check (undone_by <> ''),
    undone_why  text check (undone_why <> ''),
    check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_why is null)),
    check (kind <> 'stock' or first_day = last_day),
    check (replaced_by is null or undone_at is null)
);
create unique index entry_in_force on entry (unit_id, kind, subject, first_day, last_day)
    where replaced_by is null and undone_at is null;
comment on table entry is 'Entries; amount in the base unit of the carrier (purchase, stock, sale, feedstock, statement: subject is the carrier), in the product''s unit (output: subject is the product), in 10^4 yuan (output_value), in MWh (certificate, certificate_base; subject is empty for these three). Days are of the unit''s zone, both included. A stock is that at the end of its day. A later entry for the same days replaces an earlier one, which stays, and counts again when the later one is undone.';
comment on column entry.given is 'The amount as it was filled in, in given_unit, where that is another unit.';

create table product (
    product_id int4 primary key generated always as identity,
    unit_id    int4 not null references unit,
    code       text not null,
    name_zh    text not null default '',
    name_en    text not null default '',
    unit       text not null,
    quota_key  text not null default '',
    point_id   int4 references point,
    unique (unit_id, code)
);
comment on table product is 'Products of a unit: the unit of measure of their output, the row of the product quota standards that applies, and the point that meters them, if one does.';

create view board.entry as
select
    e.entry_id, u.code as unit, e.kind, e.subject, e.first_day, e.last_day, e.amount, e.unit as unit_of_measure,
    coalesce(e.given, e.amount) as given, coalesce(e.given_unit, e.unit) as given_unit, e.source, e.document, e.author,
    e.reason, e.recorded_at, e.replaced_by is null and e.undone_at is null as in_force, e.replaces, e.replaced_by,
    e.undone_at, e.undone_by, e.undone_why
from entry e join unit u using (unit_id);
comment on view board.entry is 'What units filled in, replaced and undone entries too: purchase, stock (at the end of last_day), sale, feedstock of a carrier; statement of a carrier''s consumption, which counts in no balance; output of a product; output_value; certificate and certificate_base. Amount in unit_of_measure for the days from first_day to last_day of the unit''s zone, both included; given is how it was filled in.';
