{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key='view_id',
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_issues__affected') }}
-- depends_on: {{ ref('int_builds__pending') }}
with views as (
    select * from {{ ref('int_issue_views__counted') }}
),

periods as (
    select * from {{ ref('int_issues__periods') }}
),

final as (
    select
        {{ surrogate_key(['views.site_id', 'views.event_key', "'ISSUE_VIEWED'", "''"]) }} as view_id,
        views.site_id,
        views.viewed_at,
        cast(views.viewed_at as date) as viewed_date,
        cast(date_trunc('month', views.viewed_at) as date) as viewed_month,
        views.recorded_at,
        views.account_id,
        views.issue_id,
        periods.project_id,
        views.view_source,
        periods.security_level_id is not null as is_secured,
        periods.security_level_id,
        views.source,
        views.sources,
        cast(views.raw_view_count as integer) as raw_view_count
    from views
    left join periods
        on
            views.site_id = periods.site_id
            and views.issue_id = periods.issue_id
            and views.viewed_at >= periods.valid_from_at
            and views.viewed_at < periods.valid_to_at
)

select * from final
order by viewed_at, view_id
