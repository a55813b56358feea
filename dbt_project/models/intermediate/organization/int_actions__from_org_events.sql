{{ config(materialized='table') }}

with events as (
    select * from {{ ref('int_org_events__classified') }}
    where action_code is not null
),

action_types as (
    select * from {{ ref('action_types') }}
    where not is_issue_action
),

-- One event may name several people: each of them is an action.
subjects as (
    select
        events.site_id,
        events.source_event_id,
        events.action_code,
        events.display_name,
        events.occurred_at,
        events.fetched_at,
        events.actor_account_id,
        events.groups[1] as user_group,
        len(events.users) as user_count,
        action_types.target_type,
        action_types.has_changes,
        {{ each(people_of('events')) }} as subject
    from events
    inner join action_types on events.action_code = action_types.action_code
),

told as (
    select
        *,
        case when user_count > 1 then subject.id else '' end as item_key,
        case when target_type = 'group' then user_group.id || ':' else '' end || subject.id as match_key,
        case when target_type = 'group' then user_group.id else subject.id end as target_id,
        case when target_type = 'group' then user_group.name else subject.name end as target_label,
        case
            when action_code = 'USER_ADDED_TO_GROUP'
                then {{ member_change('new') }}
            when action_code = 'USER_REMOVED_FROM_GROUP'
                then {{ member_change('old') }}
            -- Several events are this action: which of them it was is what there is to show.
            when has_changes
                then {{ sub_action_change('display_name') }}
            else {{ no_changes() }}
        end as changes
    from subjects
),

named as (
    select * from told
    where match_key is not null and occurred_at is not null
),

final as (
    {{ evidence('named', {
        'source': "'org_events'",
        'recorded_at': 'fetched_at',
        'observed_from_at': 'null',
        'observed_to_at': 'null',
        'actor_certainty': "case when actor_account_id is null then 'unknown' else 'known' end",
        'project_id': 'null',
        'issue_id': 'null',
    }) }}
)

select * from final
