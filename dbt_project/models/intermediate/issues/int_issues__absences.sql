with presence as (
    select * from {{ ref('stg_jira_issues__issue_presence') }}
    where {{ of_affected_issues() }}
),

issues as (
    select * from {{ ref('stg_jira_issues__issues') }}
    where {{ of_affected_issues() }}
),

latest as (
    select *
    from presence
    qualify row_number() over (
        partition by site_id, issue_id order by observed_at desc, fetched_at desc, version desc
    ) = 1
),

-- It may have been missing for some listings before anybody could tell why.
first_missed as (
    select absent.*
    from presence as absent
    left join presence as later
        on
            absent.site_id = later.site_id
            and absent.issue_id = later.issue_id
            and absent.observed_at <= later.observed_at
            and later.is_present
    where not absent.is_present and later.issue_id is null
    qualify row_number() over (
        partition by absent.site_id, absent.issue_id
        order by absent.observed_at, absent.fetched_at, absent.version
    ) = 1
),

seen as (
    select
        site_id,
        issue_id,
        max(fetched_at) as last_fetched_at,
        max(updated_at) as last_updated_at
    from issues
    group by site_id, issue_id
),

-- Once the issue has been asked for and read again, it is neither deleted nor out of sight; issues of
-- archived projects can be read. The window opens at the last instant, on the source's clock, at which
-- the issue is known to have been there.
final as (
    select
        latest.site_id,
        latest.issue_id,
        latest.presence_state as absence_state,
        latest.evidence,
        coalesce(
            greatest(first_missed.previously_observed_at, seen.last_updated_at),
            latest.observed_at
        ) as observed_from_at,
        latest.observed_at as observed_to_at,
        latest.fetched_at as recorded_at
    from latest
    inner join first_missed
        on latest.site_id = first_missed.site_id and latest.issue_id = first_missed.issue_id
    left join seen on latest.site_id = seen.site_id and latest.issue_id = seen.issue_id
    where
        not latest.is_present
        and (
            latest.presence_state = 'archived'
            or coalesce(seen.last_fetched_at <= latest.fetched_at + {{ longest_answer() }}, true)
        )
)

select * from final
