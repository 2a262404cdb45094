-- What every connection of ours may need.

-- name: ping
-- A sign of life.
select 1;

-- name: end_session
-- End what a session that we lost still does: on the server it may live on, with a transaction that holds our keys.
-- Waits until it is gone, so that what it has committed, or not, is certain from then on.
select pg_terminate_backend(pid, $2) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid();
