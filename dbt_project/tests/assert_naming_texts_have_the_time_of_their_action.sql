-- Texts that may have to be withheld are looked up by action and time.
select
    texts.action_id,
    texts.occurred_at
from {{ ref('bridge_named_issues') }} as texts
where
    {{ may_have_changed('texts.issue_id', ref('int_issues__affected')) }}
    and not exists (
        select 1
        from {{ ref('fct_actions') }} as actions
        where actions.action_id = texts.action_id and actions.occurred_at = texts.occurred_at
    )
