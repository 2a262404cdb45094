-- name: database_exists
-- purpose: one row when the database of that name is there
select 1 from pg_catalog.pg_database where datname = %s
