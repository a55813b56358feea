with edits as (
    select * from {{ ref('int_assets__edits') }}
),

roles as (
    select * from {{ ref('int_asset_roles__changes') }}
),


mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'assets'
),

labels as (
    select
        site_id,
        object_id,
        max_by(object_label, (fetched_at, version)) as object_label
    from {{ ref('stg_assets__objects') }}
    where is_present
    group by site_id, object_id
),

told as (
    select
        edits.site_id,
        edits.raw_event,
        edits.condition,
        edits.source_event_id,
        edits.occurred_at,
        edits.recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        edits.actor_account_id,
        edits.actor_certainty,
        edits.object_id as target_id,
        labels.object_label as target_label,
        edits.changes
    from edits
    left join labels
        on edits.site_id = labels.site_id and edits.object_id = labels.object_id
    union all
    select
        site_id,
        raw_event,
        condition,
        source_event_id,
        observed_to_at as occurred_at,
        recorded_at,
        observed_from_at,
        observed_to_at,
        cast(null as varchar) as actor_account_id,
        'unknown' as actor_certainty,
        role_id as target_id,
        role_name as target_label,
        changes
    from roles
),

mapped as (
    select
        told.*,
        mappings.source,
        mappings.action_code
    from told
    inner join mappings
        on told.raw_event = mappings.raw_event and told.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'item_key': "''", 'match_key': 'target_id', 'project_id': 'null', 'issue_id': 'null',
    }) }}
)

select * from final
