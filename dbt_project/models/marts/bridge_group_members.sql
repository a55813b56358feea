with periods as (
    select * from {{ ref('int_group_members__periods') }}
),

final as (
    select
        site_id,
        group_id,
        account_id,
        valid_from_at,
        valid_to_at
    from periods
)

select * from final
