with observed as (
    select * from {{ ref('int_user_activity__observed') }}
),

final as (
    select
        {{ surrogate_key(['site_id', 'account_id', 'cast(active_at as date)']) }} as activity_id,
        site_id,
        account_id,
        cast(active_at as date) as active_date,
        min(active_at) as first_active_at,
        max(active_at) as last_active_at,
        min_by(source, (-epoch_us(active_at), recorded_at, source)) as source,
        min(recorded_at) as recorded_at
    from observed
    group by site_id, account_id, cast(active_at as date)
)

select * from final
order by active_date, activity_id
