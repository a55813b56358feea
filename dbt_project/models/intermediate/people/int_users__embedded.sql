{{ config(materialized='table') }}

with users as (
    select distinct
        site_id,
        account_id
    from {{ ref('stg_jira_platform__users') }}
    where is_present
),

issues as (
    select
        site_id,
        creator,
        reporter,
        assignee,
        attachments,
        updated_at
    from {{ ref('stg_jira_issues__issues') }}
    union all
    select
        site_id,
        creator,
        reporter,
        assignee,
        attachments,
        updated_at
    from (
        {{ pushed_issues() }}
    ) as pushed
),

changelogs as (
    select
        site_id,
        author,
        occurred_at
    from {{ ref('stg_jira_issues__changelogs') }}
    union all
    select
        site_id,
        person as author,
        sent_at as occurred_at
    from {{ ref('stg_inbox__deliveries') }}
    where event in ('jira:issue_created', 'jira:issue_updated', 'jira:issue_deleted')
),

comments as (
    select
        site_id,
        author,
        update_author,
        updated_at
    from {{ ref('stg_jira_issues__comments') }}
    union all
    select
        site_id,
        author,
        update_author,
        updated_at
    from (
        {{ pushed_comments() }}
    ) as pushed
),

worklogs as (
    select
        site_id,
        author,
        update_author,
        updated_at
    from {{ ref('stg_jira_issues__worklogs') }}
    union all
    select
        site_id,
        author,
        update_author,
        updated_at
    from (
        {{ pushed_worklogs() }}
    ) as pushed
),

attachments as (
    select
        site_id,
        updated_at,
        {{ each('attachments') }} as attachment
    from issues
    union all
    select
        site_id,
        sent_at as updated_at,
        {{ attachment('attachment') }} as attachment
    from {{ ref('stg_inbox__deliveries') }}
    where attachment.id is not null
),

events as (
    select * from {{ ref('stg_org_events__events') }}
),

-- Accounts that never touched an issue, or left before we looked, may only be named by the
-- organisation.
organization as (
    select
        site_id,
        {{ person_of('actor_account_id', 'actor_name', 'actor_email') }} as person,
        occurred_at
    from events
    where actor_account_id is not null
    union all
    select
        site_id,
        {{ person_of('subject.id', 'subject.name') }} as person,
        occurred_at
    from (
        select
            site_id,
            occurred_at,
            {{ each('users') }} as subject
        from events
    ) as subjects
    union all
    select
        site_id,
        {{ person_of('account_id', 'display_name', 'email_address') }} as person,
        fetched_at as occurred_at
    from {{ ref('stg_org_events__users') }}
    where is_present
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
        ('organization', 'person', 'occurred_at'),
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
        partition by site_id, person.account_id
        -- Jira tells more of a person than the organisation does.
        order by person.account_type is null asc, last_seen_at desc, person desc
    ) = 1
)

select * from final
