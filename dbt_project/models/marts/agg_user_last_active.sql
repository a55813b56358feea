with newest as (
    select * from {{ ref('int_user_activity__newest') }}
),

final as (
    select
        account_id,
        last_active_at,
        recorded_at,
        source,
        evidence,
        organization_active_at,
        administration_active_at,
        assets_active_at,
        product_active_at,
        site_id
    from newest
)

select * from final
