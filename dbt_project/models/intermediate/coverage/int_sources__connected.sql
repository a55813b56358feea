{#- A pause between two successful syncs that is longer than this is a gap; sources run every half hour. -#}
{%- set longest_pause_seconds = 3600 -%}

with sources as (
    select * from {{ ref('sources') }}
),

runs as (
    select * from {{ ref('int_sources__runs') }}
),

skipped as (
    select * from {{ ref('int_sources__skipped') }}
),

freshness as (
    select * from {{ ref('int_sources__freshness') }}
),

unmapped as (
    select
        source,
        sum(event_count) as event_count
    from {{ ref('int_actions__unmapped') }}
    group by source
),

pauses as (
    select
        source,
        (
            epoch_ms(finished_at)
            - epoch_ms(lag(finished_at) over (partition by source order by finished_at, run_id))
        ) / 1000 as pause_seconds
    from runs
),

gaps as (
    select
        source,
        count(*) filter (where pause_seconds > {{ longest_pause_seconds }}) as gap_count,
        max(pause_seconds) filter (where pause_seconds > {{ longest_pause_seconds }}) as longest_gap_seconds
    from pauses
    group by source
),

windows as (
    select
        source,
        max_by({{ json_text('report', 'cursor_from') }}, (finished_at, run_id)) as window_from,
        max_by({{ json_text('report', 'cursor_to') }}, (finished_at, run_id)) as window_to
    from runs
    group by source
),

final as (
    select
        sources.source,
        sources.connection,
        freshness.source is not null and skipped.source is null as is_connected,
        skipped.permission as missing_permission,
        coalesce(skipped.loses, sources.loses) as loses,
        freshness.last_success_at,
        windows.window_from,
        windows.window_to,
        cast(coalesce(gaps.gap_count, 0) as bigint) as gap_count,
        cast(gaps.longest_gap_seconds as bigint) as longest_gap_seconds,
        coalesce(freshness.quarantined_count, 0) as quarantined_count,
        cast(coalesce(unmapped.event_count, 0) as bigint) as unmapped_event_count
    from sources
    left join freshness on sources.source = freshness.source
    left join skipped on sources.source = skipped.source and sources.main_resource = skipped.resource
    left join windows on sources.source = windows.source
    left join gaps on sources.source = gaps.source
    left join unmapped on sources.source = unmapped.source
)

select * from final
