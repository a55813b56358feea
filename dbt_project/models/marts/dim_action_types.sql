with action_types as (
    select * from {{ ref('action_types') }}
),

final as (
    select
        cast(action_number as integer) as action_number,
        action_code,
        label,
        product,
        target_type,
        source,
        connection_required,
        cast(max_delay_minutes as integer) as max_delay_minutes,
        is_default_column,
        is_issue_action,
        has_changes,
        happens_once,
        visibility_rule,
        description
    from action_types
)

select * from final
order by action_number
