with listed as (
    select * from {{ ref('int_project_roles__listed') }}
),

final as (
    {{ listed_or_logged('listed', 'role', 'PROJECT_ROLE_') }}
)

select * from final
