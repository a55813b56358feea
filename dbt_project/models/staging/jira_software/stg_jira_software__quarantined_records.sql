{{ config(unique_key=['site_id', 'object_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'quarantine') }}
),

final as (
    {{ quarantined_records('raw') }}
)

select * from final
