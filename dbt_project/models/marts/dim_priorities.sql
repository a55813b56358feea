with listed as (
    select * from {{ ref('int_priorities__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'priority'
),

changed as (
    {{ labels_in_changes(ref('fct_action_changes'), "field_id = 'priority'") }}
),

priorities as (
    select
        site_id,
        priority_id
    from listed
    union
    select
        site_id,
        object_id as priority_id
    from observed
    union
    select
        site_id,
        object_id as priority_id
    from changed
),

final as (
    select
        priorities.priority_id,
        coalesce(listed.priority_name, observed.label, changed.label) as priority_name,
        listed.priority_order,
        coalesce(listed.is_deleted, true) as is_deleted,
        priorities.site_id
    from priorities
    left join listed
        on priorities.site_id = listed.site_id and priorities.priority_id = listed.priority_id
    left join observed
        on priorities.site_id = observed.site_id and priorities.priority_id = observed.object_id
    left join changed
        on priorities.site_id = changed.site_id and priorities.priority_id = changed.object_id
)

select * from final
