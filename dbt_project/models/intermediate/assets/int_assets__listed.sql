with objects as (
    select * from {{ ref('stg_assets__objects') }}
),

final as (
    {{ latest_listed('objects', 'object_id') }}
)

select * from final
