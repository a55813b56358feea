with runs as (
    select * from {{ ref('stg_jira_issues__runs') }}
    union all
    select * from {{ ref('stg_jira_platform__runs') }}
),

quarantined_records as (
    select
        'jira_issues' as source,
        count(*) as quarantined_count
    from {{ ref('stg_jira_issues__quarantined_records') }}
    union all
    select
        'jira_platform' as source,
        count(*) as quarantined_count
    from {{ ref('stg_jira_platform__quarantined_records') }}
),

newest as (
    select
        'jira_issues' as source,
        max(updated_at) as newest_source_at
    from {{ ref('stg_jira_issues__issues') }}
),

totals as (
    select
        source,
        max(finished_at) as last_success_at,
        max_by(run_id, (finished_at, run_id)) as last_run_id,
        sum(row_count) as row_count,
        sum(request_count) as request_count
    from runs
    group by source
),

final as (
    select
        totals.source,
        totals.last_success_at,
        totals.last_run_id,
        newest.newest_source_at,
        cast(
            greatest(epoch_ms(totals.last_success_at) - epoch_ms(newest.newest_source_at), 0) / 1000 as bigint
        ) as lag_seconds,
        cast(totals.row_count as bigint) as row_count,
        cast(totals.request_count as bigint) as request_count,
        cast(coalesce(quarantined_records.quarantined_count, 0) as bigint) as quarantined_count
    from totals
    left join newest on totals.source = newest.source
    left join quarantined_records on totals.source = quarantined_records.source
)

select * from final
