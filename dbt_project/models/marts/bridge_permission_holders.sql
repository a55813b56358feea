with project_schemes as (
    select * from {{ ref('int_project_schemes__listed') }}
),

permission_schemes as (
    select
        *,
        {{ each('grants') }} as granted
    from {{ ref('int_permission_schemes__listed') }}
    where not is_deleted
),

holders as (
    select
        project_schemes.site_id,
        project_schemes.project_id,
        permission_schemes.granted.permission_key,
        permission_schemes.granted.holder_type,
        permission_schemes.granted.holder_id
    from project_schemes
    inner join permission_schemes
        on
            project_schemes.site_id = permission_schemes.site_id
            and project_schemes.scheme_id = permission_schemes.scheme_id
    where
        permission_schemes.granted.permission_key is not null
        and permission_schemes.granted.holder_type is not null
),

resolved as (
    {{ resolved_holders('holders') }}
),

final as (
    select distinct
        site_id,
        project_id,
        permission_key,
        holder_type,
        holder_id
    from resolved
)

select * from final
