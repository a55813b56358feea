-- The days of issues count what the facts hold: every day's total, and every number of the affected issues.
with facts as (
    select
        site_id,
        case when {{ of_affected_issues() }} then issue_id end as issue_id,
        occurred_date
    from {{ ref('fct_actions') }}
    where issue_id is not null
),

entries as (
    select
        site_id,
        case when {{ of_affected_issues() }} then issue_id end as issue_id,
        {{ each_entry('day_counts') }} as entry
    from {{ ref('agg_issue_months') }}
),

wanted as (
    select
        site_id,
        issue_id,
        occurred_date,
        count(*) as action_count
    from facts
    group by site_id, issue_id, occurred_date
),

counted as (
    select
        site_id,
        issue_id,
        entry.key as occurred_date,
        sum(entry.value) as action_count
    from entries
    group by site_id, issue_id, entry.key
)

{{ rows_that_differ('wanted', 'counted') }}
