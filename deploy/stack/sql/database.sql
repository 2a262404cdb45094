-- name: extension_available
-- purpose: one row when the server has TimescaleDB's files, whether it is created in this database or not
select 1 from pg_catalog.pg_available_extensions where name = 'timescaledb';

-- name: database_exists
-- purpose: one row when the database of that name is there
select 1 from pg_catalog.pg_database where datname = %s;

-- name: create_database
-- purpose: the application's database; {name} is filled in as a quoted identifier
create database {name};

-- name: create_extension
-- purpose: TimescaleDB in this database; nothing when it is there
create extension if not exists timescaledb;
