{{ config(unique_key=['site_id', 'list_name', 'sweep_id']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'sweeps') }}
),

final as (
    {{ listings('raw') }}
)

select * from final
