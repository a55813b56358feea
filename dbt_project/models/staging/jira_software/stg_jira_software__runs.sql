{{ config(unique_key=['run_id']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'runs') }}
),

final as (
    {{ runs('raw') }}
)

select * from final
