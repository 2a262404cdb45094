-- The mapping of metrics to points, who is online, and who is the host.

-- name: nodes
-- Every registered edge node with the gateway as which it writes.
select n.group_id, n.edge_node, g.code as gateway, g.region
from sparkplug_node n join gateway g using (gateway_id)
order by n.group_id, n.edge_node;

-- name: metrics
-- Every mapped metric with its point.
select m.group_id, m.edge_node, m.device, m.metric, p.code as point, m.scale
from sparkplug_metric m join point p using (point_id)
order by m.group_id, m.edge_node, m.device, m.metric;

-- name: try_lease
-- Become the host of this id, as long as the connection lives; false while another one is.
select pg_try_advisory_lock(hashtextextended('quotawatt sparkplug host ' || $1::text, 0));

-- name: forget_states
-- The host begins: deaths may have been missed while there was none.
update sparkplug_state set online = false, changed_at = $1 where online;

-- name: devices_died
-- An edge node is gone: none of its devices is heard of any more.
update sparkplug_state set online = false, changed_at = $3
where group_id = $1 and edge_node = $2 and device <> '' and online;

-- name: follow_state
-- A birth or death; one that changes nothing leaves the time of the change.
insert into sparkplug_state (group_id, edge_node, device, online, changed_at) values ($1, $2, $3, $4, $5)
on conflict (group_id, edge_node, device) do update
set online = excluded.online, changed_at = excluded.changed_at
where sparkplug_state.online <> excluded.online;
