-- Only an action that more than one source tells of can be there twice; all others pass through.
with told_by_several as (
    select action_code
    from {{ ref('action_mappings') }}
    group by action_code
    having count(distinct source) > 1
),

told_once as (
    select * from {{ ref('int_actions__unioned') }}
    where action_code not in (select action_code from told_by_several)
),

-- The same event gives the same key whichever source tells of it: who knows the actor is believed,
-- and the first to tell counts as the time of recording.
merged as (
    select * replace (min(recorded_at) over action as recorded_at)
    from {{ ref('int_actions__unioned') }}
    where action_code in (select action_code from told_by_several)
    window action as (partition by site_id, event_key, action_code, item_key)
    qualify row_number() over (
        partition by site_id, event_key, action_code, item_key
        order by actor_account_id is null, occurred_at, source, source_event_id
    ) = 1
),

actions as (
    select * from told_once
    union all
    select * from merged
),

final as (
    select
        {{ surrogate_key(['site_id', 'event_key', 'action_code', 'item_key']) }} as action_id,
        *
    from actions
)

select * from final
