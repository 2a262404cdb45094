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
