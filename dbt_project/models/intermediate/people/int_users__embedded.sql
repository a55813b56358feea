{{ config(materialized='table') }}

with users as (
    select * from {{ ref('stg_jira_platform__users') }}
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
    {% for relation, column, seen_at in [
        ('issues', 'creator', 'updated_at'),
        ('issues', 'reporter', 'updated_at'),
        ('issues', 'assignee', 'updated_at'),
        ('changelogs', 'author', 'occurred_at'),
        ('comments', 'author', 'updated_at'),
        ('comments', 'update_author', 'updated_at'),
        ('worklogs', 'author', 'updated_at'),
        ('worklogs', 'update_author', 'updated_at'),
    ] %}
        select
            site_id,
            {{ column }}.account_id as account_id,
            {{ column }} as person,
            {{ seen_at }} as seen_at
        from {{ relation }}
        union all
    {% endfor %}
    select
        site_id,
        attachment.author.account_id as account_id,
        attachment.author as person,
        updated_at as seen_at
    from attachments
),

unlisted as (
    select * from people
    where
        account_id is not null
        and not exists (
            select 1 from users
            where users.site_id = people.site_id and users.account_id = people.account_id and users.is_present
        )
),

final as (
    select
        site_id,
        account_id,
        person.display_name as display_name,
        person.email_address as email_address,
        person.account_type as account_type,
        person.avatar_url as avatar_url,
        person.is_active as is_active
    from unlisted
    qualify row_number() over (partition by site_id, account_id order by seen_at desc, person) = 1
)

select * from final
