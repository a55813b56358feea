{{ config(unique_key=['run_id']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'runs') }}
),

final as (
    select
        site_id,
        object_id as run_id,
        {{ json_text('payload', 'source') }} as source,
        {{ json_sum("json_extract(payload, '$.rows')") }} as row_count,
        {{ json_sum("json_extract(payload, '$.requests')") }} as request_count,
        {{ utc_timestamp(json_text('payload', 'finished_at')) }} as finished_at,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
    where is_present
)

select * from final
