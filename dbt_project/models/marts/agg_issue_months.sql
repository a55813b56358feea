{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'occurred_month', 'issue_id'],
    affected='int_issues__affected',
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with days as (
    select
        site_id,
        occurred_month,
        issue_id,
        occurred_date,
        cast(count(*) as integer) as action_count
    from {{ ref('fct_actions') }}
    where
        issue_id is not null
        {% if is_incremental() %}
            and {{ of_affected_issues() }}
        {% endif %}
    group by site_id, occurred_month, issue_id, occurred_date
),

final as (
    select
        occurred_month,
        issue_id,
        cast(sum(action_count) as integer) as action_count,
        {{ map_of('occurred_date', 'action_count') }} as day_counts,
        site_id
    from days
    group by site_id, occurred_month, issue_id
)

select * from final
order by occurred_month, issue_id, site_id
