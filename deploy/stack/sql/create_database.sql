-- name: create_database
-- purpose: the application's database; {name} is filled in as a quoted identifier
create database {name}
