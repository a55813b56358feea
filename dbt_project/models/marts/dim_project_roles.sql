with listed as (
    select * from {{ ref('int_project_roles__listed') }}
),

-- The administration log also knows those that no listing ever held.
logged as (
    select
        site_id,
        target_id as role_id,
        max_by(target_label, occurred_at) as role_name,
        bool_or(action_code = 'PROJECT_ROLE_DELETED') as is_deleted
    from {{ ref('int_actions__matched') }}
    where starts_with(action_code, 'PROJECT_ROLE_')
    group by site_id, target_id
),

final as (
    select
        coalesce(listed.role_id, logged.role_id) as role_id,
        coalesce(listed.role_name, logged.role_name) as role_name,
        listed.role_description,
        coalesce(listed.is_deleted, false) or coalesce(logged.is_deleted, false) as is_deleted,
        coalesce(listed.site_id, logged.site_id) as site_id
    from listed
    full outer join logged on listed.site_id = logged.site_id and listed.role_id = logged.role_id
)

select * from final
