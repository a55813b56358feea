-- An issue has exactly one key now, and the dimension shows that one.
with current_keys as (
    select
        site_id,
        issue_id,
        count(*) as key_count,
        min(issue_key) as issue_key
    from {{ ref('bridge_issue_keys') }}
    where is_current
    group by site_id, issue_id
),

issues as (
    select
        site_id,
        issue_id,
        issue_key
    from {{ ref('dim_issues') }}
    where issue_key is not null
)

select
    issues.site_id,
    issues.issue_id
from issues
left join current_keys on issues.site_id = current_keys.site_id and issues.issue_id = current_keys.issue_id
where current_keys.key_count is distinct from 1 or current_keys.issue_key is distinct from issues.issue_key
