{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id', 'field_id', 'value_index'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with field_values as (
    select * from {{ ref('int_issues__field_values') }}
),

final as (
    select
        site_id,
        issue_id,
        field_id,
        value_index,
        value_id,
        value_text,
        value_number,
        value_at
    from field_values
)

select * from final
order by field_id, site_id, issue_id, value_index
