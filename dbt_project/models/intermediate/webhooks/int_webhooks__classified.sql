with deliveries as (
    select * from {{ ref('stg_inbox__deliveries') }}
    where not is_consequence
),

-- What was known of an account before a webhook told of it: whether it was active.
states as (
    select
        site_id,
        account_id,
        is_active,
        listed_at as known_at
    from {{ ref('stg_jira_platform__users') }}
    where is_present
    union all
    select
        site_id,
        person.account_id as account_id,
        person.is_active,
        sent_at as known_at
    from deliveries
    where starts_with(event, 'user_')
),

user_updates as (
    select
        deliveries.site_id,
        deliveries.delivery_id,
        max_by(states.is_active, states.known_at) as was_active
    from deliveries
    inner join states
        on
            deliveries.site_id = states.site_id
            and deliveries.person.account_id = states.account_id
            and deliveries.sent_at > states.known_at
    where deliveries.event = 'user_updated'
    group by deliveries.site_id, deliveries.delivery_id
),

final as (
    select
        deliveries.site_id,
        'inbox' as source,
        deliveries.event as raw_event,
        case
            when
                deliveries.event = 'sprint_updated'
                and {{ json_text('deliveries.details', 'sprint.state') }}
                != {{ json_text('deliveries.details', 'oldValue.state') }}
                then 'state'
            when user_updates.was_active and not deliveries.person.is_active then 'deactivated'
            when not user_updates.was_active and deliveries.person.is_active then 'reactivated'
            else 'any'
        end as condition,
        deliveries.delivery_id as source_event_id,
        deliveries.sent_at as occurred_at,
        deliveries.fetched_at as recorded_at,
        deliveries.triggered_by_account_id as actor_account_id,
        deliveries.details
    from deliveries
    left join user_updates
        on deliveries.site_id = user_updates.site_id and deliveries.delivery_id = user_updates.delivery_id
)

select * from final
