with sources as (
    select * from {{ ref('int_sources__freshness') }}
),

final as (
    select
        source,
        last_success_at,
        last_run_id,
        newest_source_at,
        lag_seconds,
        row_count,
        request_count,
        quarantined_count
    from sources
)

select * from final
