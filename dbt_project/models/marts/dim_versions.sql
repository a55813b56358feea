with listed as (
    select * from {{ ref('int_versions__listed') }}
),

told as (
    {{ known_from_actions('version', 'listed', 'version_id') }}
),

final as (
    select
        version_id,
        version_name,
        description,
        project_id,
        is_released,
        is_archived,
        try_cast(start_date as date) as start_date,
        try_cast(release_date as date) as release_date,
        is_deleted,
        site_id
    from listed
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
        true as is_deleted,
        site_id
    from told
)

select * from final
