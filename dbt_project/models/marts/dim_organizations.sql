with listed as (
    select * from {{ ref('int_organizations__listed') }}
),

final as (
    select
        organization_id,
        organization_name,
        is_deleted,
        site_id
    from listed
)

select * from final
