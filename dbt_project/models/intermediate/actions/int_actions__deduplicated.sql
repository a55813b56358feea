with actions as (
    select * from {{ ref('int_actions__unioned') }}
),

identified as (
    select
        {{ surrogate_key(['site_id', 'event_key', 'action_code', 'item_key']) }} as action_id,
        *
    from actions
),

final as (
    select *
    from identified
    qualify row_number() over (
        partition by action_id order by actor_account_id is null, recorded_at, occurred_at, source, source_event_id
    ) = 1
)

select * from final
