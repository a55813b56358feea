with listed as (
    select * from {{ ref('int_statuses__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'status'
),

final as (
    select
        coalesce(listed.status_id, observed.object_id) as status_id,
        coalesce(listed.status_name, observed.label) as status_name,
        coalesce(listed.status_category, observed.detail) as status_category,
        coalesce(listed.is_deleted, true) as is_deleted,
        coalesce(listed.site_id, observed.site_id) as site_id
    from listed
    full outer join observed on listed.site_id = observed.site_id and listed.status_id = observed.object_id
)

select * from final
