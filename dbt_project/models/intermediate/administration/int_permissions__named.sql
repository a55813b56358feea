with listed_permissions as (
    select
        site_id,
        fetched_at,
        version,
        {{ each('permissions') }} as permission
    from {{ ref('stg_jira_platform__permissions') }}
),

final as (
    select
        site_id,
        permission.member_key as permission_key,
        permission.member_name as permission_name
    from listed_permissions
    qualify row_number() over (
        partition by site_id, permission.member_key order by fetched_at desc, version desc
    ) = 1
)

select * from final
