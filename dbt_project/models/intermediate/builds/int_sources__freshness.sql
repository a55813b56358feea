{#- The source's own times, where it has any: the model and column of the newest. -#}
{%- set sources = synced_sources() -%}
{%- set times = {
    'jira_issues': ('stg_jira_issues__issues', 'updated_at'),
    'org_events': ('stg_org_events__events', 'occurred_at'),
    'inbox': ('stg_inbox__deliveries', 'sent_at'),
} -%}

with runs as (
    {% for source in sources %}
        select * from {{ ref('stg_' ~ source ~ '__runs') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

quarantined_records as (
    {% for source in sources %}
        select
            '{{ source }}' as source,
            count(*) as quarantined_count
        from {{ ref('stg_' ~ source ~ '__quarantined_records') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

newest as (
    {% for source, place in times.items() %}
        select
            '{{ source }}' as source,
            max({{ place[1] }}) as newest_source_at
        from {{ ref(place[0]) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
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
