-- 0003_board_quota: what boards read about quotas and their alerts.

create view board.quota_status as
select distinct on (q.quota_id)
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    q.code as quota, q.measure, q.period, s.period_start, q.source,
    s.used, s.limit_value as "limit", q.limit_unit, s.used_share as share, s.elapsed_share, s.pace, s.projected,
    s.exhausted_at, s.state, s.verdict, s.severity, s.colour, s.since, s.ready, s.evaluated_at
from quota q
join unit u using (unit_id)
join quota_state s using (quota_id)
order by q.quota_id, s.period_start desc;
comment on view board.quota_status is
    'Each quota in its newest period: use, limit and projection in limit_unit; shares of limit and period from 0; pace 1 ends exactly at the limit; state of the alert and verdict on the figures; times are data time.';

create view board.flagged as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    q.code as quota, q.measure, q.period, s.period_start, q.source,
    s.used, s.limit_value as "limit", q.limit_unit, s.used_share as share, s.elapsed_share, s.pace, s.projected,
    s.exhausted_at, s.cause as reason, s.verdict, s.severity, s.colour, s.since, s.ready, s.evidence
from quota_state s
join quota q using (quota_id)
join unit u using (unit_id)
where s.state = 'firing'
order by (s.cause = 'exceeded') desc, s.pace desc nulls last, s.since, q.code;
comment on view board.flagged is
    'Quotas whose alert is firing, of any period, gravest first: broken ones, then those that run furthest ahead; reason is exceeded or on_course, evidence is what it rests on.';

create view board.quota_history as
select
    t.transition_id, t.at, u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district,
    u.industry, q.code as quota, q.measure, q.period, t.period_start, t.from_state, t.to_state, t.verdict, t.severity,
    t.colour, (t.evidence ->> 'used')::numeric as used, (t.evidence #>> '{quota,limit}')::numeric as "limit",
    q.limit_unit, (t.evidence #>> '{judgement,projected}')::numeric as projected,
    t.evidence #>> '{previous,verdict}' as previous_verdict, (t.evidence #>> '{previous,used}')::numeric as previous_used,
    t.evidence
from quota_transition t
join quota q using (quota_id)
join unit u using (unit_id);
comment on view board.quota_history is
    'Every change of state of every alert, with the figures of that moment and, for corrections, those said before.';
