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

periods as (
    select * from {{ ref('int_issues__periods') }}
),

final as (
    select
        issue_keys.site_id,
        issue_keys.issue_id,
        issue_keys.issue_key,
        periods.project_id,
        issue_keys.valid_from_at,
        issue_keys.valid_to_at,
        issue_keys.is_current
    from issue_keys
    -- Of two moves in one instant the first one's key was valid for no time, and in no project.
    left join periods
        on
            issue_keys.site_id = periods.site_id
            and issue_keys.issue_id = periods.issue_id
            and issue_keys.valid_from_at >= periods.valid_from_at
            and issue_keys.valid_from_at < periods.valid_to_at
            and issue_keys.valid_from_at is distinct from issue_keys.valid_to_at
)

select * from final
