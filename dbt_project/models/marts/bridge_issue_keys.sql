{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id', 'issue_key', 'valid_from_at'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
with issue_keys as (
    select * from {{ ref('int_issues__keys') }}
    where {{ of_affected_issues() }}
),

final as (
    select
        site_id,
        issue_id,
        issue_key,
        valid_from_at,
        valid_to_at,
        is_current
    from issue_keys
)

select * from final
