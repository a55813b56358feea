{{ config(materialized='table') }}

with users as (
    select distinct
        site_id,
        account_id
    from {{ ref('stg_jira_platform__users') }}
    where is_present
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

worklogs as (
    select * from {{ ref('stg_jira_issues__worklogs') }}
),

attachments as (
    select
        site_id,
        updated_at,
        {{ each('attachments') }} as attachment
    from issues
),

people as (
    {% for relation, person, seen_at in [
        ('issues', 'creator', 'updated_at'),
        ('issues', 'reporter', 'updated_at'),
        ('issues', 'assignee', 'updated_at'),
        ('changelogs', 'author', 'occurred_at'),
        ('comments', 'author', 'updated_at'),
        ('comments', 'update_author', 'updated_at'),
        ('worklogs', 'author', 'updated_at'),
        ('worklogs', 'update_author', 'updated_at'),
        ('attachments', 'attachment.author', 'updated_at'),
    ] %}
        select
            site_id,
            {{ person }} as person,
            max({{ seen_at }}) as last_seen_at
        from {{ relation }}
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

unlisted as (
    select
        people.site_id,
        people.person,
        people.last_seen_at
    from people
    left join users on people.site_id = users.site_id and people.person.account_id = users.account_id
    where people.person is not null and users.account_id is null
),

final as (
    select
        site_id,
        person.account_id,
        person.display_name,
        person.email_address,
        person.account_type,
        person.avatar_url,
        person.is_active
    from unlisted
    qualify row_number() over (
        partition by site_id, person.account_id order by last_seen_at desc, person desc
    ) = 1
)

select * from final
