-- 0008_sparkplug: which metrics of which Sparkplug edge nodes are which points.

create table sparkplug_node (
    group_id   text not null,
    edge_node  text not null,
    gateway_id int4 not null references gateway,
    primary key (group_id, edge_node)
);
comment on table sparkplug_node is 'Edge nodes that write points of a gateway, as that gateway.';

create table sparkplug_metric (
    group_id  text not null,
    edge_node text not null,
    device    text not null default '',
    metric    text not null,
    point_id  int4 not null unique references point,
    scale     float8 not null default 1 check (scale <> 0),
    primary key (group_id, edge_node, device, metric),
    foreign key (group_id, edge_node) references sparkplug_node
);
comment on table sparkplug_metric is 'Metrics that are points: value times scale is in the point''s unit; device is empty for the edge node''s own metrics. All others are passed over.';

create table sparkplug_state (
    group_id   text not null,
    edge_node  text not null,
    device     text not null default '',
    online     bool not null,
    changed_at timestamptz not null,
    primary key (group_id, edge_node, device)
);
comment on table sparkplug_state is 'Which edge nodes (device empty) and devices with mapped metrics are online, since when: by the time of their birth or death, an edge node''s death by our clock.';

create view sparkplug_point_state as
select m.point_id, m.group_id, m.edge_node, m.device, m.metric,
       coalesce(s.online, false) as online, s.changed_at
from sparkplug_metric m left join sparkplug_state s using (group_id, edge_node, device);
comment on view sparkplug_point_state is 'Whether the metric of each mapped point is live; one that is not online is stale since changed_at, or was never born.';
