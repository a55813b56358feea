with listed as (
    select * from {{ ref('int_permission_schemes__listed') }}
),

final as (
    {{ listed_or_logged('listed', 'scheme', 'PERMISSION_SCHEME_') }}
)

select * from final
