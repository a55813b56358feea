with issues as (
    select * from {{ ref('int_issues__versions') }}
),

attachment_items as (
    {{ structural_items(['attachment'], of_affected_issues()) }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'attachment' and condition = 'seen'
),

item_mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog.attachment'
),

-- Files whose issue nobody knows yet stand by themselves.
webhook_issues as (
    select
        site_id,
        delivery_id,
        issue_id
    from {{ ref('int_webhooks__issues') }}
),

pushed as (
    select
        deliveries.site_id,
        webhook_issues.issue_id,
        deliveries.attachment.id as attachment_id,
        deliveries.delivery_id,
        deliveries.event = 'attachment_deleted' as is_deletion,
        deliveries.attachment.filename as file_name,
        {{ utc_timestamp('deliveries.attachment.created') }} as created_at,
        deliveries.attachment.author.accountid as author_account_id,
        deliveries.triggered_by_account_id,
        deliveries.sent_at,
        deliveries.fetched_at
    from {{ ref('stg_inbox__deliveries') }} as deliveries
    left join webhook_issues
        on
            deliveries.site_id = webhook_issues.site_id
            and deliveries.delivery_id = webhook_issues.delivery_id
    where
        deliveries.attachment.id is not null
        and not deliveries.is_consequence
        and (
            webhook_issues.issue_id is null
            or {{ of_affected_issues('webhook_issues.issue_id') }}
        )
),

-- The issue's own list has the attachment's author and time; files that were gone before the issue
-- was first read are only in the history.
attachments as (
    select
        site_id,
        issue_id,
        fetched_at,
        is_polled,
        is_pushed,
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
        min(fetched_at) as first_fetched_at,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed
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
        attachment_items.is_polled,
        attachment_items.is_pushed,
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
        listed.file_name as new_value,
        listed.is_polled,
        listed.is_pushed
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
        new_file_name as new_value,
        is_polled,
        is_pushed
    from items
    union all
    -- A file that is deleted was attached once, by its author: that, too, is told here.
    select
        pushed.site_id,
        pushed.issue_id,
        pushed.attachment_id,
        mappings.action_code,
        3 as preference,
        pushed.delivery_id as history_id,
        coalesce(pushed.author_account_id, pushed.triggered_by_account_id) as actor_account_id,
        coalesce(pushed.created_at, pushed.sent_at) as occurred_at,
        pushed.fetched_at as recorded_at,
        cast(null as varchar) as old_value,
        pushed.file_name as new_value,
        false as is_polled,
        true as is_pushed
    from pushed
    cross join mappings
    where pushed.created_at is not null or not pushed.is_deletion
    union all
    select
        pushed.site_id,
        pushed.issue_id,
        pushed.attachment_id,
        item_mappings.action_code,
        3 as preference,
        pushed.delivery_id as history_id,
        pushed.triggered_by_account_id as actor_account_id,
        pushed.sent_at as occurred_at,
        pushed.fetched_at as recorded_at,
        pushed.file_name as old_value,
        cast(null as varchar) as new_value,
        false as is_polled,
        true as is_pushed
    from pushed
    inner join item_mappings on pushed.is_deletion and item_mappings.condition = 'cleared'
),

preferred as (
    select
        * replace (
            min(recorded_at) over of_action as recorded_at,
            first_value(actor_account_id ignore nulls) over of_action as actor_account_id,
            bool_or(is_polled) over of_action as is_polled,
            bool_or(is_pushed) over of_action as is_pushed
        )
    from evidence
    window
        of_action as (
            partition by site_id, attachment_id, action_code order by preference, occurred_at, history_id
            rows between unbounded preceding and unbounded following
        )
    qualify row_number() over (
        partition by site_id, attachment_id, action_code order by preference, occurred_at, history_id
    ) = 1
)

{{ issue_actions('preferred', {
    'source_event_id': 'attachment_id',
    'event_key': 'attachment_id',
    'target_id': 'attachment_id',
    'target_label': 'coalesce(new_value, old_value)',
    'old_value': 'old_value',
    'new_value': 'new_value',
}) }}
