{{ config(
    materialized='incremental',
    incremental_strategy='replace_actors',
    period='month',
    period_column='occurred_month',
    post_hook="{{ mark_builds_processed(builds_not_in(this.identifier, this.database)) }}",
) }}

with days as (
    select
        days.*,
        cast(date_trunc('month', days.occurred_date) as date) as occurred_month
    from {{ ref('agg_actor_days') }} as days
    {% if is_incremental() %}
        semi join ({{ changed_actors('month') }}) as changed
            on {{ same_actor('days', 'occurred_date', 'month', 'changed') }}
    {% endif %}
),

entries as (
    select
        site_id,
        occurred_month,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        {{ each_entry('code_counts') }} as code_count
    from days
),

codes as (
    select
        site_id,
        occurred_month,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        code_count.key as action_code,
        cast(sum(code_count.value) as integer) as action_count
    from entries
    group by
        site_id, occurred_month, actor_account_id, is_secured, visibility_rule, object_schema_id,
        code_count.key
),

by_code as (
    select
        site_id,
        occurred_month,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        {{ map_of('action_code', 'action_count') }} as code_counts
    from codes
    group by site_id, occurred_month, actor_account_id, is_secured, visibility_rule, object_schema_id
),

by_day as (
    select
        site_id,
        occurred_month,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        cast(sum(action_count) as integer) as action_count,
        {{ map_of('occurred_date', 'action_count') }} as day_counts
    from days
    group by site_id, occurred_month, actor_account_id, is_secured, visibility_rule, object_schema_id
),

final as (
    select
        by_day.occurred_month,
        by_day.actor_account_id,
        by_day.is_secured,
        by_day.visibility_rule,
        by_day.object_schema_id,
        by_day.action_count,
        by_code.code_counts,
        by_day.day_counts,
        by_day.site_id
    from by_day
    inner join by_code
        on
            by_day.site_id = by_code.site_id
            and by_day.occurred_month = by_code.occurred_month
            and by_day.actor_account_id is not distinct from by_code.actor_account_id
            and by_day.is_secured = by_code.is_secured
            and by_day.visibility_rule is not distinct from by_code.visibility_rule
            and by_day.object_schema_id is not distinct from by_code.object_schema_id
)

select * from final
order by occurred_month, actor_account_id, site_id, is_secured, visibility_rule, object_schema_id
