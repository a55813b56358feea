with listed as (
    select * from {{ ref('int_versions__listed') }}
),

orders as (
    select * from {{ ref('int_version_orders__listed') }}
),

told as (
    {{ known_from_actions('version', 'listed', 'version_id') }}
),

final as (
    select
        listed.version_id,
        listed.version_name,
        listed.description,
        listed.project_id,
        listed.is_released,
        listed.is_archived,
        try_cast(listed.start_date as date) as start_date,
        try_cast(listed.release_date as date) as release_date,
        -- Its place in the newest order of its project; none once it is not in it.
        cast(nullif(list_position(orders.version_ids, listed.version_id), 0) as integer) as version_order,
        listed.is_deleted,
        listed.site_id
    from listed
    left join orders on listed.site_id = orders.site_id and listed.project_id = orders.project_id
    union all
    select
        target_id as version_id,
        target_label as version_name,
        null as description,
        project_id,
        null as is_released,
        null as is_archived,
        null as start_date,
        null as release_date,
        null as version_order,
        true as is_deleted,
        site_id
    from told
)

select * from final
