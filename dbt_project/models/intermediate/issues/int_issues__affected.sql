{{ config(materialized='table') }}

with pending as (
    select * from {{ ref('int_builds__pending') }}
),

issues as (
    select * from {{ ref('stg_jira_issues__issues') }}
),

changelogs as (
    select * from {{ ref('stg_jira_issues__changelogs') }}
),

comments as (
    select * from {{ ref('stg_jira_issues__comments') }}
),

comment_listings as (
    select * from {{ ref('stg_jira_issues__comment_listings') }}
),

worklogs as (
    select * from {{ ref('stg_jira_issues__worklogs') }}
),

worklog_deletions as (
    select * from {{ ref('int_worklogs__deleted') }}
),

presence as (
    select * from {{ ref('stg_jira_issues__issue_presence') }}
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
),

link_items as (
    select * from {{ ref('int_links__ends') }}
),

link_types as (
    select * from {{ ref('stg_jira_platform__issue_link_types') }}
),

-- A link is told by both of its issues, each naming the other by a key: whatever is new about a
-- key, about an issue's link items or about a link type concerns the issues of both ends.
changed_keys as (
    select issue_key from issue_keys
    where build_id in (select build_id from pending)
    union
    select other_key from link_items
    where build_id in (select build_id from pending)
    union
    select link_items.other_key
    from link_items
    where exists (
        select 1
        from link_types
        where
            link_types.build_id in (select build_id from pending)
            and link_types.site_id = link_items.site_id
            and (
                ends_with(link_items.phrase, link_types.inward_phrase)
                or ends_with(link_items.phrase, link_types.outward_phrase)
            )
    )
),

final as (
    select issue_id from issues
    where build_id in (select build_id from pending)
    union
    select issue_id from changelogs
    where build_id in (select build_id from pending)
    union
    select issue_id from comments
    where build_id in (select build_id from pending)
    union
    select issue_id from comment_listings
    where build_id in (select build_id from pending)
    union
    select issue_id from worklogs
    where build_id in (select build_id from pending)
    union
    select issue_id from worklog_deletions
    where issue_id is not null and build_id in (select build_id from pending)
    union
    select issue_id from presence
    where build_id in (select build_id from pending)
    union
    select issue_id from issue_keys
    where build_id in (select build_id from pending)
    union
    select link_items.issue_id
    from link_items
    where link_items.other_key in (select issue_key from changed_keys)
    union
    -- Holders of a changed key matter only if somebody links to it.
    select issue_keys.issue_id
    from issue_keys
    where
        issue_keys.issue_key in (select issue_key from changed_keys)
        and issue_keys.issue_key in (select other_key from link_items)
)

select * from final
