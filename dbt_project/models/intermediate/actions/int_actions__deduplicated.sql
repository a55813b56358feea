with actions as (
    select
        {{ surrogate_key(['site_id', 'event_key', 'action_code', 'item_key']) }} as action_id,
        *
    from {{ ref('int_actions__unioned') }}
),

matched as (
    select * from {{ ref('int_actions__matched') }}
),

-- The same event gives the same key whichever source tells of it: who knows the actor is believed,
-- and the first to tell counts as the time of recording.
on_issues as (
    select * replace (min(recorded_at) over (partition by action_id) as recorded_at)
    from actions
    qualify row_number() over (
        partition by action_id
        order by actor_account_id is null asc, occurred_at asc, source asc, source_event_id asc
    ) = 1
),

final as (
    select
        action_id,
        site_id,
        source,
        source_event_id,
        action_code,
        occurred_at,
        recorded_at,
        observed_from_at,
        observed_to_at,
        actor_account_id,
        case when actor_account_id is null then 'unknown' else 'known' end as actor_certainty,
        target_id,
        target_label,
        issue_id,
        cast(null as varchar) as project_id,
        from_status_id,
        to_status_id,
        resolution_id,
        old_value,
        new_value,
        change_count,
        sources
    from on_issues
    union all
    select
        action_id,
        site_id,
        source,
        source_event_id,
        action_code,
        occurred_at,
        recorded_at,
        observed_from_at,
        observed_to_at,
        actor_account_id,
        actor_certainty,
        target_id,
        target_label,
        cast(null as varchar) as issue_id,
        project_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        old_value,
        new_value,
        change_count,
        sources
    from matched
)

select * from final
