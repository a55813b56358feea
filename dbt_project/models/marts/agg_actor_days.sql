{{ config(
    materialized='incremental',
    incremental_strategy='replace_actors',
    period='day',
    period_column='occurred_date',
    post_hook="{{ mark_builds_processed(builds_not_in(this.identifier, this.database)) }}",
) }}

with actions as (
    select
        actions.site_id,
        actions.occurred_date,
        actions.actor_account_id,
        actions.is_secured,
        {{ rule_of_actions('action_types') }} as visibility_rule,
        actions.object_schema_id,
        actions.action_code
    from {{ ref('fct_actions') }} as actions
    inner join {{ ref('action_types') }} as action_types on actions.action_code = action_types.action_code
    {% if is_incremental() %}
        semi join ({{ changed_actors('day') }}) as changed
            on {{ same_actor('actions', 'occurred_date', 'day', 'changed') }}
    {% endif %}
),

codes as (
    select
        site_id,
        occurred_date,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        action_code,
        cast(count(*) as integer) as action_count
    from actions
    group by
        site_id, occurred_date, actor_account_id, is_secured, visibility_rule, object_schema_id, action_code
),

final as (
    select
        occurred_date,
        actor_account_id,
        is_secured,
        visibility_rule,
        object_schema_id,
        cast(sum(action_count) as integer) as action_count,
        {{ map_of('action_code', 'action_count') }} as code_counts,
        site_id
    from codes
    group by site_id, occurred_date, actor_account_id, is_secured, visibility_rule, object_schema_id
)

select * from final
order by occurred_date, actor_account_id, site_id, is_secured, visibility_rule, object_schema_id
