{{ config(
    materialized='incremental',
    incremental_strategy='replace_actors',
    period='day',
    period_column='occurred_date',
    post_hook="{{ mark_builds_processed(builds_not_in(this.identifier, this.database)) }}",
) }}

with actions as (
    select
        actions.*,
        {{ rule_of_actions('action_types') }} as visibility_rule
    from {{ ref('fct_actions') }} as actions
    inner join {{ ref('action_types') }} as action_types on actions.action_code = action_types.action_code
    {% if is_incremental() %}
        semi join ({{ changed_actors('day') }}) as changed
            on {{ same_actor('actions', 'occurred_date', 'day', 'changed') }}
    {% endif %}
),

final as (
    select
        occurred_date,
        actor_account_id,
        action_code,
        issue_id,
        project_id,
        object_schema_id,
        is_secured,
        cast(count(*) as integer) as action_count,
        site_id
    from actions
    where is_secured or visibility_rule = 'browse_project'
    group by
        site_id, occurred_date, actor_account_id, action_code, issue_id, project_id,
        object_schema_id, is_secured
)

select * from final
order by occurred_date, actor_account_id, site_id, issue_id, action_code
