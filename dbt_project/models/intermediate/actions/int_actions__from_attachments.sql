with affected as (
    select * from {{ ref('int_issues__affected') }}
),

issues as (
    select * from {{ ref('stg_jira_issues__issues') }}
    where issue_id in (select issue_id from affected)
),

changelogs as (
    select * from {{ ref('int_changelogs__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'attachment' and condition = 'seen'
),

-- The issue's own list has the attachment's author and time; files that were gone before the issue
-- was first read are only in the history.
listed as (
    select
        issues.site_id,
        issues.issue_id,
        attachment_rows.attachment.attachment_id,
        min(attachment_rows.attachment.file_name) as file_name,
        min(attachment_rows.attachment.created_at) as created_at,
        min(attachment_rows.attachment.author.account_id) as author_account_id,
        min(issues.fetched_at) as first_fetched_at
    from issues
    {{ unnested('issues.attachments', 'attachment_rows', 'attachment') }}
    group by issues.site_id, issues.issue_id, attachment_rows.attachment.attachment_id
),

items as (
    select
        changelogs.site_id,
        changelogs.issue_id,
        changelogs.actor_account_id,
        changelogs.occurred_at,
        changelogs.fetched_at,
        changelogs.history_id,
        item_rows.item.promoted_code as action_code,
        coalesce(item_rows.item.new_id, item_rows.item.old_id) as attachment_id,
        item_rows.item.old_text as old_file_name,
        item_rows.item.new_text as new_file_name
    from changelogs
    {{ unnested('changelogs.promoted_items', 'item_rows', 'item') }}
    where starts_with(item_rows.item.promoted_code, 'ATTACHMENT_')
),

evidence as (
    select
        listed.site_id,
        listed.issue_id,
        listed.attachment_id,
        mappings.action_code,
        1 as preference,
        '' as history_id,
        listed.author_account_id as actor_account_id,
        listed.created_at as occurred_at,
        listed.first_fetched_at as recorded_at,
        cast(null as varchar) as old_value,
        listed.file_name as new_value
    from listed
    cross join mappings
    union all
    select
        site_id,
        issue_id,
        attachment_id,
        action_code,
        2 as preference,
        history_id,
        actor_account_id,
        occurred_at,
        fetched_at as recorded_at,
        old_file_name as old_value,
        new_file_name as new_value
    from items
),

preferred as (
    select
        *,
        min(recorded_at) over (partition by site_id, attachment_id, action_code) as first_recorded_at,
        first_value(actor_account_id ignore nulls) over (
            partition by site_id, attachment_id, action_code order by preference, occurred_at, history_id
            rows between unbounded preceding and unbounded following
        ) as known_actor_account_id
    from evidence
    qualify row_number() over (
        partition by site_id, attachment_id, action_code order by preference, occurred_at, history_id
    ) = 1
),

final as (
    select
        site_id,
        'jira_issues' as source,
        attachment_id as source_event_id,
        attachment_id as event_key,
        '' as item_key,
        action_code,
        occurred_at,
        first_recorded_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        known_actor_account_id as actor_account_id,
        attachment_id as target_id,
        coalesce(new_value, old_value) as target_label,
        issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        old_value,
        new_value,
        0 as change_count
    from preferred
)

select * from final
