-- 0013_entries: what units fill in: purchases, stocks, sales, feedstock, production, output value, certificates.

create table entry (
    entry_id    int8 primary key generated always as identity,
    unit_id     int4 not null references unit,
    kind        text not null check (kind in ('purchase', 'stock', 'sale', 'feedstock', 'output', 'output_value', 'certificate', 'certificate_base')),
    subject     text not null,
    first_day   date not null,
    last_day    date not null check (last_day >= first_day),
    amount      numeric not null check (amount >= 0),
    unit        text not null,
    source      text not null check (source in ('file', 'api', 'hand')),
    document    text not null default '',
    author      text not null check (author <> ''),
    reason      text not null default '',
    recorded_at timestamptz not null,
    replaced_by int8 references entry deferrable initially deferred,
    undone_at   timestamptz,
    undone_by   text,
    undone_why  text
);
create unique index entry_in_force on entry (unit_id, kind, subject, first_day, last_day)
    where replaced_by is null and undone_at is null;
comment on table entry is 'Entries; amount in the base unit of the carrier (purchase, stock, sale, feedstock: subject is the carrier), in the product''s unit (output: subject is the product), in 10^4 yuan (output_value), in MWh (certificate, certificate_base). Days are of the unit''s zone, both included. A stock is that at the end of last_day. A later entry for the same days replaces an earlier one, which stays.';

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
comment on table product is 'Products of a unit: the unit of measure of their output, the row of the product quota standards that applies, and the point that meters it, if one does.';
