with holders as (
    select * from {{ ref('int_security_level_members__listed') }}
    where not is_deleted and level_id is not null and holder_type is not null
),

resolved as (
    {{ resolved_holders('holders') }}
),

final as (
    select distinct
        site_id,
        level_id,
        holder_type,
        holder_id
    from resolved
)

select * from final
