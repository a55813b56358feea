with sources as (
    select * from {{ ref('int_sources__connected') }}
),

skipped as (
    select * from {{ ref('int_sources__skipped') }}
),

told as (
    {{ told_by_sources(ref('fct_actions'), ['source']) }}
),

final as (
    select
        sources.source,
        cast(null as varchar) as resource,
        sources.connection,
        sources.is_connected,
        sources.missing_permission,
        sources.loses,
        sources.last_success_at,
        sources.window_from,
        sources.window_to,
        sources.gap_count,
        sources.longest_gap_seconds,
        sources.quarantined_count,
        sources.unmapped_event_count,
        coalesce(told.action_count, 0) as action_count,
        told.first_seen_at,
        told.last_seen_at,
        told.lag_p50_seconds,
        told.lag_p99_seconds
    from sources
    left join told on sources.source = told.source
    union all
    select
        skipped.source,
        skipped.resource,
        sources.connection,
        false as is_connected,
        skipped.permission as missing_permission,
        skipped.loses,
        sources.last_success_at,
        null as window_from,
        null as window_to,
        0 as gap_count,
        null as longest_gap_seconds,
        0 as quarantined_count,
        0 as unmapped_event_count,
        0 as action_count,
        null as first_seen_at,
        null as last_seen_at,
        null as lag_p50_seconds,
        null as lag_p99_seconds
    from skipped
    inner join sources on skipped.source = sources.source
)

select * from final
