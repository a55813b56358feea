with actions as (
    select
        {{ surrogate_key(['site_id', 'event_key', 'action_code', 'item_key']) }} as action_id,
        *
    from {{ ref('int_actions__unioned') }}
),

-- The same event gives the same key whichever source tells of it: who knows the actor is believed,
-- and the first to tell counts as the time of recording.
final as (
    select * replace (min(recorded_at) over (partition by action_id) as recorded_at)
    from actions
    qualify row_number() over (
        partition by action_id
        order by actor_account_id is null asc, occurred_at asc, source asc, source_event_id asc
    ) = 1
)

select * from final
