-- Every account that did something is in the dimension.
select distinct actions.actor_account_id
from {{ ref('fct_actions') }} as actions
where
    actions.actor_account_id is not null
    and {{ may_have_changed('actions.issue_id', ref('int_issues__affected')) }}
    and not exists (
        select 1
        from {{ ref('dim_users') }} as users
        where users.site_id = actions.site_id and users.account_id = actions.actor_account_id
    )
