{{ config(materialized='table', tags=['every_build']) }}

with issue_keys as (
    select * from {{ ref('int_issues__keys') }}
),

-- Views of the affected issues, by any of their keys, and of issues that nobody knows.
views as (
    select * from {{ ref('int_issue_views__raw') }}
    where
        {{ of_affected_issues() }}
        or (
            issue_id is null
            and (
                issue_key in (
                    select issue_keys.issue_key
                    from issue_keys
                    where {{ of_affected_issues('issue_keys.issue_id') }}
                )
                or (site_id, issue_key) not in (
                    select (issue_keys.site_id, issue_keys.issue_key)
                    from issue_keys
                )
            )
        )
),

-- A key names the issue that had it then; after a move it goes on leading to the issue it left. One
-- that was seen before we know of its issue belongs to the first that had it.
holders as (
    select
        views.site_id,
        views.source,
        views.source_event_id,
        arg_min(
            issue_keys.issue_id,
            case
                when issue_keys.valid_from_at <= views.viewed_at
                    then epoch_us(views.viewed_at) - epoch_us(issue_keys.valid_from_at)
                else 10000000000000000 + epoch_us(issue_keys.valid_from_at) - epoch_us(views.viewed_at)
            end
        ) as issue_id
    from views
    inner join issue_keys on views.site_id = issue_keys.site_id and views.issue_key = issue_keys.issue_key
    where views.issue_id is null
    group by views.site_id, views.source, views.source_event_id
),

final as (
    select
        views.site_id,
        views.source,
        views.source_event_id,
        views.account_id,
        coalesce(views.issue_id, holders.issue_id) as issue_id,
        views.issue_key,
        views.view_source,
        views.viewed_at,
        views.recorded_at
    from views
    left join holders
        on
            views.site_id = holders.site_id
            and views.source = holders.source
            and views.source_event_id = holders.source_event_id
)

select * from final
where
    issue_id is null
    or {{ of_affected_issues() }}
