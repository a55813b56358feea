with listed as (
    select * from {{ ref('int_filters__listed') }}
),

deletions as (
    select * from {{ ref('int_actions__matched') }}
    where action_code = 'FILTER_DELETED'
),

told as (
    {{ known_from_actions('filter', 'listed', 'filter_id') }}
),

known as (
    select
        filter_id,
        filter_name,
        description,
        jql,
        filter_owner.account_id as owner_account_id,
        shared_with,
        not is_deleted as is_listed,
        site_id
    from listed
    union all
    select
        target_id as filter_id,
        target_label as filter_name,
        null as description,
        null as jql,
        null as owner_account_id,
        null as shared_with,
        false as is_listed,
        site_id
    from told
),

-- What is no longer listed may only be no longer shared.
final as (
    select
        known.filter_id,
        known.filter_name,
        known.description,
        known.jql,
        known.owner_account_id,
        known.shared_with,
        case
            when deletions.match_key is not null then 'deleted'
            when known.is_listed then 'listed'
            else 'not_visible'
        end as lifecycle_state,
        known.site_id
    from known
    left join deletions on known.site_id = deletions.site_id and known.filter_id = deletions.match_key
)

select * from final
