with listed as (
    select * from {{ ref('int_resolutions__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'resolution'
),

changed as (
    {{ labels_in_changes(ref('fct_action_changes'), "field_id = 'resolution'") }}
),

resolutions as (
    select
        site_id,
        resolution_id
    from listed
    union
    select
        site_id,
        object_id as resolution_id
    from observed
    union
    select
        site_id,
        object_id as resolution_id
    from changed
),

final as (
    select
        resolutions.resolution_id,
        coalesce(listed.resolution_name, observed.label, changed.label) as resolution_name,
        coalesce(listed.is_deleted, true) as is_deleted,
        resolutions.site_id
    from resolutions
    left join listed
        on resolutions.site_id = listed.site_id and resolutions.resolution_id = listed.resolution_id
    left join observed
        on resolutions.site_id = observed.site_id and resolutions.resolution_id = observed.object_id
    left join changed
        on resolutions.site_id = changed.site_id and resolutions.resolution_id = changed.object_id
)

select * from final
