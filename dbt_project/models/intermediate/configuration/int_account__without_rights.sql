with rights as (
    {{ listing_changes(
        ref('stg_jira_platform__account_rights'), ref('stg_jira_platform__sweeps'), ['object_id'],
        "'account_rights'"
    ) }}
),

periods as (
    select
        *,
        -- It may have lost the right since the listing before, and got it back since the last one without.
        coalesce(observed_from_at, timestamp '-infinity') as lacking_from_at,
        lead(observed_to_at) over (
            partition by site_id order by observed_to_at, split_part(version, '.', -1)
        ) as lacking_to_at
    from rights
),

final as (
    select
        site_id,
        lacking_from_at,
        lacking_to_at
    from periods
    where not is_administrator
)

select * from final
