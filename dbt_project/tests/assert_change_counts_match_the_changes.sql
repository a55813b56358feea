-- Every action says how many fields it changed; the changes are all there, and no others.
with actions as (
    select
        action_id,
        change_count
    from {{ ref('fct_actions') }}
    where change_count > 0 and {{ may_have_changed('issue_id', ref('int_issues__affected')) }}
),

changes as (
    select
        action_id,
        count(*) as change_count
    from {{ ref('fct_action_changes') }}
    where {{ may_have_changed('issue_id', ref('int_issues__affected')) }}
    group by action_id
)

select
    actions.action_id,
    actions.change_count as told,
    changes.change_count as found
from actions
full outer join changes on actions.action_id = changes.action_id
where actions.change_count is distinct from changes.change_count
