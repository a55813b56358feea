with listed as (
    select * from {{ ref('int_permission_schemes__listed') }}
),

-- The administration log also knows those that no listing ever held.
logged as (
    select
        site_id,
        target_id as scheme_id,
        max_by(target_label, occurred_at) as scheme_name,
        bool_or(action_code = 'PERMISSION_SCHEME_DELETED') as is_deleted
    from {{ ref('int_actions__matched') }}
    where starts_with(action_code, 'PERMISSION_SCHEME_')
    group by site_id, target_id
),

final as (
    select
        coalesce(listed.scheme_id, logged.scheme_id) as scheme_id,
        coalesce(listed.scheme_name, logged.scheme_name) as scheme_name,
        listed.scheme_description,
        coalesce(listed.is_deleted, false) or coalesce(logged.is_deleted, false) as is_deleted,
        coalesce(listed.site_id, logged.site_id) as site_id
    from listed
    full outer join logged on listed.site_id = logged.site_id and listed.scheme_id = logged.scheme_id
)

select * from final
