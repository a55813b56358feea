{{ config(materialized='table', tags=['every_build']) }}

{#- What is told of issues: each has issue_id (null while the issue is not known) and build_id. A new
    one is one more name here. -#}
{%- set told_of_issues = [
    'stg_jira_issues__issues',
    'stg_jira_issues__changelogs',
    'stg_jira_issues__comments',
    'stg_jira_issues__comment_listings',
    'stg_jira_issues__worklogs',
    'stg_jira_issues__issue_presence',
    'int_worklogs__deleted',
    'int_issues__keys',
    'int_issue_views__concerned',
    'int_webhooks__issues',
] -%}

with pending as (
    select * from {{ ref('int_builds__pending') }}
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

-- Histories that came before it was known that they tell of request types, or name other issues.
telling_fields as (
    select * from {{ ref('int_request_types__fields') }}
    where build_id in (select build_id from pending)
    union all
    select * from {{ ref('int_fields__naming_issues') }}
    where build_id in (select build_id from pending)
),

changelogs as (
    select
        site_id,
        issue_id,
        list_transform(items, lambda item: item.field_id) as field_ids
    from {{ ref('stg_jira_issues__changelogs') }}
    union all
    select
        site_id,
        issue_id,
        list_transform(items, lambda item: item.field_id) as field_ids
    from (
        {{ pushed_histories() }}
    ) as pushed
),

touched as (
    {% for relation in told_of_issues %}
        select issue_id from {{ ref(relation) }}
        where issue_id is not null and build_id in (select build_id from pending)
        union
    {% endfor %}
    select changelogs.issue_id
    from changelogs
    inner join telling_fields
        on
            changelogs.site_id = telling_fields.site_id
            and list_contains(changelogs.field_ids, telling_fields.field_id)
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
),

-- A webhook tells of a link by the ids of both issues, whether or not they are known.
linked as (
    select
        site_id,
        delivery_id,
        issue_id
    from {{ ref('int_webhooks__issues') }}
),

final as (
    select issue_id from touched
    union
    select other_end.issue_id
    from linked
    inner join linked as other_end
        on linked.site_id = other_end.site_id and linked.delivery_id = other_end.delivery_id
    where linked.issue_id in (select issue_id from touched)
)

select * from final
