with periods as (
    select * from {{ ref('int_asset_schema_roles__periods') }}
),

group_members as (
    select * from {{ ref('bridge_group_members') }}
),

people as (
    {{ people_in('periods', 'group_members', ['object_schema_id', 'role_id', 'role_name']) }}
),

final as (
    select distinct
        site_id,
        object_schema_id,
        account_id,
        role_name,
        valid_from_at,
        valid_to_at
    from people
    where account_id is not null
)

select * from final
