with listed as (
    select * from {{ ref('int_resolutions__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'resolution'
),

final as (
    select
        coalesce(listed.resolution_id, observed.object_id) as resolution_id,
        coalesce(listed.resolution_name, observed.label) as resolution_name,
        coalesce(listed.is_deleted, true) as is_deleted,
        coalesce(listed.site_id, observed.site_id) as site_id
    from listed
    full outer join observed on listed.site_id = observed.site_id and listed.resolution_id = observed.object_id
)

select * from final
