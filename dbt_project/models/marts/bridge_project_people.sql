with periods as (
    select * from {{ ref('int_role_actors__periods') }}
),

group_members as (
    select * from {{ ref('bridge_group_members') }}
),

people as (
    {{ people_in('periods', 'group_members', ['project_id', 'role_id']) }}
),

final as (
    select
        site_id,
        project_id,
        account_id,
        role_id,
        via,
        group_id,
        valid_from_at,
        valid_to_at
    from people
)

select * from final
