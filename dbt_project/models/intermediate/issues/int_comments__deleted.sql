with comments as (
    select * from {{ ref('int_comments__versions') }}
),

-- A listing is of the state in which its issue was, whenever its answer arrived; and it shows for certain
-- only what had happened both to the issue so far and before it was asked for.
listings as (
    select
        *,
        least(asked_at, issue_updated_at) as complete_until_at,
        row_number() over (
            partition by site_id, issue_id order by issue_updated_at, listed_at, fetched_at, version
        ) as position
    from {{ ref('stg_jira_issues__comment_listings') }}
    where {{ of_affected_issues() }}
),

pushed_deletions as (
    select * from {{ ref('int_webhooks__deletions') }}
    where target_type = 'comment' and {{ of_affected_issues() }}
),

latest_listings as (
    select *
    from listings
    qualify row_number() over (partition by site_id, issue_id order by position desc) = 1
),

listed as (
    select
        site_id,
        issue_id,
        position,
        asked_at,
        {{ each('comment_ids') }} as comment_id
    from listings
),

-- When a comment was there for certain: in a listing, or in one of its versions, whoever told of it.
seen as (
    select
        site_id,
        issue_id,
        comment_id,
        position,
        asked_at as seen_at,
        cast(null as timestamp) as version_at
    from listed
    union all
    select
        site_id,
        issue_id,
        comment_id,
        0 as position,
        updated_at as seen_at,
        updated_at as version_at
    from comments
),

-- Comments that were there once and are not in the newest complete listing of their issue.
missing as (
    select
        seen.site_id,
        seen.issue_id,
        seen.comment_id,
        max(seen.position) as last_position,
        max(seen.version_at) as last_version_at
    from seen
    inner join latest_listings
        on
            seen.site_id = latest_listings.site_id
            and seen.issue_id = latest_listings.issue_id
    where not list_contains(latest_listings.comment_ids, seen.comment_id)
    group by seen.site_id, seen.issue_id, seen.comment_id
),

restrictions as (
    select
        site_id,
        comment_id,
        max_by(restricted_to, (updated_at, fetched_at, version)) as restricted_to
    from comments
    group by site_id, comment_id
),

-- Which roles and groups a listing shows the comments of.
shown as (
    select distinct
        listed.site_id,
        listed.issue_id,
        listed.position,
        restrictions.restricted_to
    from listed
    inner join restrictions
        on listed.site_id = restrictions.site_id and listed.comment_id = restrictions.comment_id
    where restrictions.restricted_to != ''
),

-- A comment for some people only may be missing because the account is no longer one of them: it is gone
-- when the listing without it still shows another one for the same people.
missed as (
    select
        missing.site_id,
        missing.issue_id,
        missing.comment_id,
        min(listings.listed_at) as first_missing_at,
        min_by(listings.fetched_at, listings.listed_at) as recorded_at
    from missing
    inner join listings
        on
            missing.site_id = listings.site_id
            and missing.issue_id = listings.issue_id
            and missing.last_position < listings.position
            and (missing.last_version_at is null or missing.last_version_at <= listings.complete_until_at)
    left join restrictions
        on missing.site_id = restrictions.site_id and missing.comment_id = restrictions.comment_id
    left join shown
        on
            listings.site_id = shown.site_id
            and listings.issue_id = shown.issue_id
            and listings.position = shown.position
            and restrictions.restricted_to = shown.restricted_to
    where coalesce(restrictions.restricted_to, '') = '' or shown.restricted_to is not null
    group by missing.site_id, missing.issue_id, missing.comment_id
),

last_seen as (
    select
        missed.site_id,
        missed.comment_id,
        max(seen.seen_at) as last_seen_at
    from missed
    inner join seen
        on
            missed.site_id = seen.site_id
            and missed.issue_id = seen.issue_id
            and missed.comment_id = seen.comment_id
            and missed.first_missing_at >= seen.seen_at
    group by missed.site_id, missed.comment_id
),

-- Listings tell when it was missed, a webhook when and by whom it was deleted.
final as (
    select
        missed.first_missing_at is not null as is_polled,
        pushed_deletions.deleted_at is not null as is_pushed,
        coalesce(pushed_deletions.site_id, missed.site_id) as site_id,
        coalesce(pushed_deletions.object_id, missed.comment_id) as comment_id,
        coalesce(pushed_deletions.issue_id, missed.issue_id) as issue_id,
        coalesce(pushed_deletions.deleted_at, missed.first_missing_at) as occurred_at,
        least(pushed_deletions.fetched_at, missed.recorded_at) as recorded_at,
        case when pushed_deletions.deleted_at is null then last_seen.last_seen_at end as observed_from_at,
        case when pushed_deletions.deleted_at is null then missed.first_missing_at end as observed_to_at,
        pushed_deletions.actor_account_id
    from missed
    left join last_seen
        on missed.site_id = last_seen.site_id and missed.comment_id = last_seen.comment_id
    full outer join pushed_deletions
        on missed.site_id = pushed_deletions.site_id and missed.comment_id = pushed_deletions.object_id
)

select * from final
