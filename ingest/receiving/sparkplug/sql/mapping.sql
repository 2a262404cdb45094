-- How the mapping of metrics to points is written, and what is known of it.

-- name: lock_mapping
-- One writer at a time; readers are not held up.
lock table sparkplug_node, sparkplug_metric in share row exclusive mode;

-- name: known_gateways
-- Those of the named gateways that are registered.
select code from gateway where code = any($1::text[]);

-- name: known_points
-- Those of the named points that are registered, with their gateway and with the edge node that shows them, if any.
select p.code, g.code as gateway, m.group_id, m.edge_node
from point p join gateway g using (gateway_id) left join sparkplug_metric m using (point_id)
where p.code = any($1::text[]);

-- name: drop_metrics
-- The metrics of the named edge nodes, or of all.
delete from sparkplug_metric
where $3::bool or (group_id, edge_node) in (select * from unnest($1::text[], $2::text[]));

-- name: drop_nodes
-- All but the named edge nodes.
delete from sparkplug_node
where (group_id, edge_node) not in (select * from unnest($1::text[], $2::text[]));

-- name: write_nodes
-- The named edge nodes, as the named gateways.
insert into sparkplug_node (group_id, edge_node, gateway_id)
select n.group_id, n.edge_node, g.gateway_id
from unnest($1::text[], $2::text[], $3::text[]) as n (group_id, edge_node, gateway) join gateway g on g.code = n.gateway
on conflict (group_id, edge_node) do update set gateway_id = excluded.gateway_id;

-- name: write_metrics
-- The named metrics, as the named points.
insert into sparkplug_metric (group_id, edge_node, device, metric, point_id, scale)
select m.group_id, m.edge_node, m.device, m.metric, p.point_id, m.scale
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[])
    as m (group_id, edge_node, device, metric, point, scale)
join point p on p.code = m.point;

-- name: drop_states
-- What is known of edge nodes and devices that are not mapped any more.
delete from sparkplug_state s
where not exists (select from sparkplug_node n where (n.group_id, n.edge_node) = (s.group_id, s.edge_node))
   or s.device <> '' and not exists (
       select from sparkplug_metric m where (m.group_id, m.edge_node, m.device) = (s.group_id, s.edge_node, s.device)
   );

-- name: tell_registry
-- Tell the hosts; delivered at commit.
select pg_notify('registry', '');

-- name: states
-- Every edge node and its devices with mapped metrics: how many are points, and since when it is online or offline.
select e.group_id, e.edge_node, e.device, g.code as gateway, sum(e.metrics)::int as metrics, s.online, s.changed_at
from (
    select group_id, edge_node, '' as device, 0 as metrics from sparkplug_node
    union all
    select group_id, edge_node, device, 1 from sparkplug_metric
) e
join sparkplug_node n using (group_id, edge_node)
join gateway g using (gateway_id)
left join sparkplug_state s using (group_id, edge_node, device)
group by e.group_id, e.edge_node, e.device, g.code, s.online, s.changed_at
order by e.group_id, e.edge_node, e.device;
