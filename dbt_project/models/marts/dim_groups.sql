with listed as (
    select * from {{ ref('int_groups__listed') }}
),

final as (
    select
        group_id,
        group_name,
        is_deleted,
        site_id
    from listed
)

select * from final
