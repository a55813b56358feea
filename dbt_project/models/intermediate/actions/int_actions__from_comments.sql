with comments as (
    select * from {{ ref('int_comments__versions') }}
),

listings as (
    select * from {{ ref('stg_jira_issues__comment_listings') }}
    where {{ of_affected_issues() }}
),

pushed_deletions as (
    select * from {{ ref('int_webhooks__deletions') }}
    where target_type = 'comment' and {{ of_affected_issues() }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'comment'
),

versions as (
    select
        *,
        lag(body_text) over (
            partition by site_id, comment_id order by updated_at, fetched_at, version
        ) as previous_text
    from comments
),

first_versions as (
    select
        site_id,
        comment_id,
        min(issue_id) as issue_id,
        min(created_at) as created_at,
        min(fetched_at) as first_fetched_at,
        min_by(author.account_id, updated_at) filter (where author is not null) as author_account_id,
        min_by(body_text, fetched_at) filter (where updated_at = created_at) as first_text,
        max_by(body_text, updated_at) as last_text,
        max(updated_at) as last_updated_at,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed
    from versions
    group by site_id, comment_id
),

latest_listings as (
    select *
    from listings
    qualify row_number() over (
        partition by site_id, issue_id order by listed_at desc, fetched_at desc, version desc
    ) = 1
),

listed as (
    select
        site_id,
        issue_id,
        listed_at,
        {{ each('comment_ids') }} as comment_id
    from listings
),

-- Comments that were there once and are not in the newest complete listing of their issue.
missing as (
    select
        seen.site_id,
        seen.issue_id,
        seen.comment_id,
        max(seen.seen_at) as last_seen_at
    from (
        select
            site_id,
            issue_id,
            comment_id,
            listed_at as seen_at
        from listed
        union all
        select
            site_id,
            issue_id,
            comment_id,
            last_updated_at as seen_at
        from first_versions
    ) as seen
    inner join latest_listings
        on
            seen.site_id = latest_listings.site_id
            and seen.issue_id = latest_listings.issue_id
    where not list_contains(latest_listings.comment_ids, seen.comment_id)
    group by seen.site_id, seen.issue_id, seen.comment_id
),

missed as (
    select
        missing.site_id,
        missing.issue_id,
        missing.comment_id,
        missing.last_seen_at,
        min(listings.listed_at) as first_missing_at,
        min_by(listings.fetched_at, listings.listed_at) as recorded_at
    from missing
    inner join listings
        on
            missing.site_id = listings.site_id
            and missing.issue_id = listings.issue_id
            and missing.last_seen_at < listings.listed_at
    group by missing.site_id, missing.issue_id, missing.comment_id, missing.last_seen_at
),

-- Listings tell when it was missed, a webhook when and by whom it was deleted.
deleted as (
    select
        missed.first_missing_at is not null as is_polled,
        pushed_deletions.deleted_at is not null as is_pushed,
        coalesce(pushed_deletions.site_id, missed.site_id) as site_id,
        coalesce(pushed_deletions.object_id, missed.comment_id) as comment_id,
        coalesce(pushed_deletions.issue_id, missed.issue_id) as issue_id,
        coalesce(pushed_deletions.deleted_at, missed.first_missing_at) as occurred_at,
        least(pushed_deletions.fetched_at, missed.recorded_at) as recorded_at,
        case when pushed_deletions.deleted_at is null then missed.last_seen_at end as observed_from_at,
        case when pushed_deletions.deleted_at is null then missed.first_missing_at end as observed_to_at,
        pushed_deletions.actor_account_id
    from missed
    full outer join pushed_deletions
        on missed.site_id = pushed_deletions.site_id and missed.comment_id = pushed_deletions.object_id
),

events as (
    select
        site_id,
        comment_id,
        issue_id,
        'seen' as condition,
        '' as item_key,
        created_at as occurred_at,
        first_fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        author_account_id as actor_account_id,
        is_polled,
        is_pushed,
        cast(null as varchar) as old_value,
        first_text as new_value
    from first_versions
    union all
    select
        site_id,
        comment_id,
        issue_id,
        'edited' as condition,
        version as item_key,
        updated_at as occurred_at,
        fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        update_author.account_id as actor_account_id,
        is_polled,
        is_pushed,
        previous_text as old_value,
        body_text as new_value
    from versions
    where updated_at > created_at
    union all
    select
        deleted.site_id,
        deleted.comment_id,
        deleted.issue_id,
        'absent' as condition,
        '' as item_key,
        deleted.occurred_at,
        deleted.recorded_at,
        deleted.observed_from_at,
        deleted.observed_to_at,
        deleted.actor_account_id,
        deleted.is_polled,
        deleted.is_pushed,
        first_versions.last_text as old_value,
        cast(null as varchar) as new_value
    from deleted
    left join first_versions
        on deleted.site_id = first_versions.site_id and deleted.comment_id = first_versions.comment_id
),

final as (
    select
        events.site_id,
        {{ believed_channel('events.is_polled') }} as source,
        events.comment_id as source_event_id,
        events.comment_id as event_key,
        events.item_key,
        mappings.action_code,
        events.occurred_at,
        events.recorded_at,
        events.observed_from_at,
        events.observed_to_at,
        events.actor_account_id,
        events.comment_id as target_id,
        cast(null as varchar) as target_label,
        events.issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        events.old_value,
        events.new_value,
        0 as change_count,
        {{ channels('events.is_polled', 'events.is_pushed') }} as sources
    from events
    inner join mappings on events.condition = mappings.condition
)

select * from final
