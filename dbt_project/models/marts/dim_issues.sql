{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id'],
    affected='int_issues__affected',
    indexes=[{'columns': ['issue_id']}],
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with issues as (
    select * from {{ ref('int_issues__current') }}
),

final as (
    select
        issue_id,
        issue_key,
        previous_keys,
        summary,
        project_id,
        issue_type_id,
        status_id,
        resolution_id,
        priority_id,
        priority_name,
        request_type_id,
        creator_account_id,
        reporter_account_id,
        assignee_account_id,
        parent_issue_id,
        created_at,
        updated_at,
        security_level_id,
        is_secured,
        deletion_state,
        deletion_evidence,
        deletion_actor_certainty,
        deleted_by_account_id,
        deleted_at,
        deleted_observed_from_at,
        deleted_observed_to_at,
        site_id
    from issues
)

select * from final
