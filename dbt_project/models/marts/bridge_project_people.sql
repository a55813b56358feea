with actors as (
    select * from {{ ref('int_role_actors__periods') }}
),

members as (
    select * from {{ ref('bridge_group_members') }}
),

final as (
    select
        site_id,
        project_id,
        actor_id as account_id,
        role_id,
        via,
        cast(null as varchar) as group_id,
        valid_from_at,
        valid_to_at
    from actors
    where via = 'user'
    union all
    -- Whoever is in a group has its roles while both last.
    select
        actors.site_id,
        actors.project_id,
        members.account_id,
        actors.role_id,
        actors.via,
        actors.actor_id as group_id,
        greatest(actors.valid_from_at, members.valid_from_at) as valid_from_at,
        least(actors.valid_to_at, members.valid_to_at) as valid_to_at
    from actors
    inner join members
        on
            actors.site_id = members.site_id
            and actors.actor_id = members.group_id
            and coalesce(actors.valid_from_at < members.valid_to_at, true)
            and coalesce(actors.valid_to_at > members.valid_from_at, true)
    where actors.via = 'group'
)

select * from final
