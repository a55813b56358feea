with members as (
    select * from {{ ref('int_organization_members__listed') }}
),

bounded as (
    select
        *,
        lead(observed_to_at) over (
            partition by site_id, organization_id, account_id order by observed_to_at, version
        ) as next_at
    from members
    -- A new name or picture of a member begins nothing.
    where change != 'changed'
),

final as (
    select
        site_id,
        organization_id,
        account_id,
        case when change != 'baseline' then observed_to_at end as valid_from_at,
        next_at as valid_to_at
    from bounded
    where is_present
)

select * from final
