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
        -- The site tells its time in whole seconds.
        coalesce(observed_from_at + interval 1 second, timestamp '-infinity') as lacking_from_at,
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
    union all
    -- What it may do since it was last looked at will be known by the next listing.
    select
        site_id,
        max(started_at) + interval 1 second as lacking_from_at,
        cast(null as timestamp) as lacking_to_at
    from {{ ref('stg_jira_platform__sweeps') }}
    where is_complete and list_name = 'account_rights'
    group by site_id
)

select * from final
