{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id', 'link_id'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with issues as (
    select * from {{ ref('int_issues__latest') }}
),

links as (
    select
        site_id,
        issue_id,
        {{ each('links') }} as link
    from issues
),

final as (
    select
        site_id,
        issue_id,
        link.linked_issue_id,
        link.link_id,
        link.link_type_id,
        link.link_type_name,
        link.direction_name
    from links
    where link.link_id is not null and link.linked_issue_id is not null
    qualify row_number() over (partition by site_id, issue_id, link.link_id order by link.linked_issue_id) = 1
)

select * from final
