with views as (
    select * from {{ ref('int_issue_views__resolved') }}
),

final as (
    select
        site_id,
        source,
        'issue view' as raw_event,
        'unknown issue' as condition,
        source_event_id,
        viewed_at as occurred_at
    from views
    where issue_id is null
)

select * from final
