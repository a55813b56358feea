{{ config(unique_key=['site_id', 'issue_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'issue_presence') }}
),

final as (
    select
        site_id,
        object_id as issue_id,
        version,
        is_present,
        -- Absences of a lake written before their reasons were told apart are deletions.
        case when is_present then 'present' else coalesce({{ json_text('payload', 'state') }}, 'deleted') end
            as presence_state,
        {{ json_text('payload', 'evidence') }} as evidence,
        source_at as observed_at,
        {{ utc_timestamp(json_text('payload', 'previous_sweep_at')) }} as previously_observed_at,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
