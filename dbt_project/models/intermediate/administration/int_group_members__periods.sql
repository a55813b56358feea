{{ config(materialized='table') }}

{#- When somebody was in a group: from the actions that put people in and took them out, and from who was
    there when we began. `valid_from_at` null: since before we looked; `valid_to_at` null: still. -#}
with actions as (
    select
        site_id,
        target_id as group_id,
        substr(match_key, length(target_id) + 2) as account_id,
        occurred_at,
        action_code = 'USER_ADDED_TO_GROUP' as is_member,
        false as is_baseline
    from {{ ref('int_actions__matched') }}
    where action_code in ('USER_ADDED_TO_GROUP', 'USER_REMOVED_FROM_GROUP')
),

members as (
    select * from {{ ref('int_group_members__listed') }}
),

listed_groups as (
    select * from {{ ref('stg_jira_platform__groups') }}
),

began as (
    select
        site_id,
        group_id,
        account_id,
        observed_to_at as occurred_at,
        true as is_member,
        true as is_baseline
    from members
    where change = 'baseline'
),

-- With a group, everybody's place in it is gone.
ended as (
    select distinct
        members.site_id,
        members.group_id,
        members.account_id,
        listed_groups.fetched_at as occurred_at,
        false as is_member,
        false as is_baseline
    from members
    inner join listed_groups
        on members.site_id = listed_groups.site_id and members.group_id = listed_groups.group_id
    where not listed_groups.is_present
),

events as (
    select * from actions
    union all
    select * from began
    union all
    select * from ended
),

turns as (
    select
        *,
        lag(is_member) over in_order as was_member
    from events
    window in_order as (
        partition by site_id, group_id, account_id order by occurred_at asc, is_baseline desc, is_member asc
    )
),

spans as (
    select
        *,
        lead(occurred_at) over (
            partition by site_id, group_id, account_id
            order by occurred_at asc, is_baseline desc, is_member asc
        ) as next_at
    from turns
    where is_member is distinct from was_member
),

final as (
    select
        site_id,
        group_id,
        account_id,
        case when was_member is not null or not is_baseline then occurred_at end as valid_from_at,
        next_at as valid_to_at
    from spans
    where is_member
    union all
    select
        site_id,
        group_id,
        account_id,
        cast(null as timestamp) as valid_from_at,
        occurred_at as valid_to_at
    from spans
    where not is_member and was_member is null
)

select * from final
