{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key='action_id',
    affected='int_issues__affected',
    counted_by=['agg_actor_days', 'agg_actor_months', 'agg_actor_issue_days'],
    pre_hook=["{{ require_all_issues() }}", "{{ forget_rollups() }}"],
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_issues__affected') }}
-- depends_on: {{ ref('int_builds__pending') }}
with actions as (
    select * from {{ ref('int_actions__deduplicated') }}
),

periods as (
    select * from {{ ref('int_issues__periods') }}
),

action_types as (
    select * from {{ ref('action_types') }}
),

assets as (
    select * from {{ ref('int_assets__targets') }}
),

final as (
    select
        actions.action_id,
        actions.site_id,
        actions.action_code,
        actions.occurred_at,
        cast(actions.occurred_at as date) as occurred_date,
        cast(date_trunc('month', actions.occurred_at) as date) as occurred_month,
        actions.recorded_at,
        actions.observed_from_at,
        actions.observed_to_at,
        actions.actor_account_id,
        actions.actor_certainty,
        action_types.target_type,
        actions.target_id,
        coalesce(actions.target_label, periods.issue_key) as target_label,
        actions.issue_id,
        coalesce(periods.project_id, actions.project_id) as project_id,
        periods.issue_type_id,
        periods.request_type_id,
        actions.from_status_id,
        actions.to_status_id,
        actions.resolution_id,
        actions.old_value,
        actions.new_value,
        actions.change_count,
        periods.security_level_id,
        periods.security_level_id is not null as is_secured,
        assets.object_schema_id,
        actions.source,
        actions.sources,
        actions.source_event_id
    from actions
    inner join action_types on actions.action_code = action_types.action_code
    left join periods
        on
            actions.site_id = periods.site_id
            and actions.issue_id = periods.issue_id
            and actions.occurred_at >= periods.valid_from_at
            and actions.occurred_at < periods.valid_to_at
    left join assets
        on
            actions.site_id = assets.site_id
            and actions.action_code = assets.action_code
            and actions.target_id = assets.target_id
)

select * from final
order by occurred_at, action_id
