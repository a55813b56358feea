{{ config(materialized='table', tags=['every_build']) }}

{#- A view counts when five minutes have passed since the last one that counted, of the same person and
    issue, wherever it was looked at. -#}
{%- set pause = "interval 5 minutes" -%}
{%- set viewer = "site_id, account_id, subject" -%}

with views as (
    select
        *,
        coalesce(issue_id, 'key ' || issue_key) as subject
    from {{ ref('int_issue_views__resolved') }}
),

-- After a pause the next view counts, whatever came before: series between pauses can be counted one
-- by one.
spaced as (
    select
        *,
        coalesce(
            viewed_at - lag(viewed_at) over (
                partition by {{ viewer }} order by viewed_at, source, source_event_id
            ) >= {{ pause }},
            true
        ) as begins_series
    from views
),

in_series as (
    select
        *,
        count(*) filter (where begins_series) over (
            partition by {{ viewer }} order by viewed_at, source, source_event_id
            rows between unbounded preceding and current row
        ) as series
    from spaced
),

series_counted as (
    select
        {{ viewer }},
        series,
        {# The linter's grammar does not know lambdas of two parameters yet. -#}
        {{ spaced_apart('viewed_at', pause) }} as counted -- noqa: PRS
    from in_series
    group by {{ viewer }}, series
),

starts as (
    select
        {{ viewer }},
        series,
        {{ each('counted') }} as counted_at
    from series_counted
),

periods as (
    select
        *,
        lead(counted_at) over (partition by {{ viewer }}, series order by counted_at) as next_counted_at
    from starts
),

folded as (
    select
        in_series.*,
        periods.counted_at,
        count(*) over (
            partition by
                in_series.site_id,
                in_series.account_id,
                in_series.subject,
                periods.counted_at,
                in_series.source
        ) as views_told
    from in_series
    inner join periods
        on
            in_series.site_id = periods.site_id
            and in_series.account_id = periods.account_id
            and in_series.subject = periods.subject
            and in_series.series = periods.series
            and in_series.viewed_at >= periods.counted_at
            and (periods.next_counted_at is null or in_series.viewed_at < periods.next_counted_at)
),

final as (
    select
        site_id,
        account_id || '|' || subject || '|' || epoch_us(counted_at) as event_key,
        account_id,
        min(issue_id) as issue_id,
        min_by(issue_key, (viewed_at, source, source_event_id)) as issue_key,
        min_by(view_source, (viewed_at, source, source_event_id)) as view_source,
        counted_at as viewed_at,
        min(recorded_at) filter (where viewed_at = counted_at) as recorded_at,
        min_by(source, (viewed_at, source, source_event_id)) as source,
        min_by(source_event_id, (viewed_at, source, source_event_id)) as source_event_id,
        string_agg(distinct source, ',' order by source) as sources,
        -- Several sources tell of the same views.
        max(views_told) as raw_view_count
    from folded
    group by site_id, account_id, subject, counted_at
)

select * from final
