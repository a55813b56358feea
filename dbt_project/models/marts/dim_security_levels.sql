with levels as (
    select * from {{ ref('int_security_levels__listed') }}
),

schemes as (
    select * from {{ ref('int_security_schemes__listed') }}
),

final as (
    select
        levels.level_id,
        levels.level_name,
        levels.scheme_id,
        schemes.scheme_name,
        levels.is_deleted,
        levels.site_id
    from levels
    left join schemes
        on levels.site_id = schemes.site_id and levels.scheme_id = schemes.scheme_id
)

select * from final
