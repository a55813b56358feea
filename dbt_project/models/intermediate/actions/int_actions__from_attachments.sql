with affected as (
    select * from {{ ref('int_issues__affected') }}
),

issues as (
    select * from {{ ref('stg_jira_issues__issues') }}
    where issue_id in (select issue_id from affected)
),

attachment_items as (
    select * from {{ ref('int_changelog_items__structural') }}
    where field_id = 'attachment' and issue_id in (select issue_id from affected)
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'attachment' and condition = 'seen'
),

item_mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog.attachment'
),

-- The issue's own list has the attachment's author and time; files that were gone before the issue
-- was first read are only in the history.
attachments as (
    select
        site_id,
        issue_id,
        fetched_at,
        {{ each('attachments') }} as attachment
    from issues
),

listed as (
    select
        site_id,
        issue_id,
        attachment.attachment_id,
        min(attachment.file_name) as file_name,
        min(attachment.created_at) as created_at,
        min(attachment.author.account_id) as author_account_id,
        min(fetched_at) as first_fetched_at
    from attachments
    group by site_id, issue_id, attachment.attachment_id
),

items as (
    select
        attachment_items.site_id,
        attachment_items.issue_id,
        attachment_items.actor_account_id,
        attachment_items.occurred_at,
        attachment_items.fetched_at,
        attachment_items.history_id,
        item_mappings.action_code,
        coalesce(attachment_items.new_id, attachment_items.old_id) as attachment_id,
        attachment_items.old_text as old_file_name,
        attachment_items.new_text as new_file_name
    from attachment_items
    inner join item_mappings on attachment_items.change_kind = item_mappings.condition
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
