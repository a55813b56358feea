{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key='change_id',
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_issues__affected') }}
-- depends_on: {{ ref('int_builds__pending') }}
with changes as (
    select * from {{ ref('int_actions__changes') }}
),

periods as (
    select * from {{ ref('int_issues__periods') }}
),

final as (
    select
        {{ surrogate_key(['changes.action_id', 'changes.item_index']) }} as change_id,
        changes.action_id,
        changes.action_code,
        changes.occurred_at,
        cast(date_trunc('month', changes.occurred_at) as date) as occurred_month,
        changes.site_id,
        changes.issue_id,
        coalesce(periods.project_id, changes.project_id) as project_id,
        changes.field_id,
        changes.field_name,
        changes.item_index,
        changes.old_value_id,
        changes.old_value,
        changes.new_value_id,
        changes.new_value
    from changes
    left join periods
        on
            changes.site_id = periods.site_id
            and changes.issue_id = periods.issue_id
            and changes.occurred_at >= periods.valid_from_at
            and changes.occurred_at < periods.valid_to_at
)

select * from final
order by occurred_at, action_id, item_index
