{#- Entries of objects' histories, and what of them our rules go by: the object's creation, the change of
    an attribute, or the number Assets gives to anything else. -#}
with histories as (
    select * from {{ ref('stg_assets__object_histories') }}
),

users as (
    select
        *,
        coalesce(listed_at, fetched_at) as seen_from_at,
        lead(coalesce(listed_at, fetched_at)) over (
            partition by site_id, account_id order by coalesce(listed_at, fetched_at), version
        ) as seen_to_at
    from {{ ref('stg_jira_platform__users') }}
),

-- Where an entry shows only a name, it tells who did it if one account alone has ever been listed by
-- that name, and was when it happened. Whose name it was before the first listing nobody knows: names
-- change hands. Erased accounts share a name that is nobody's.
names as (
    select
        site_id,
        display_name,
        account_id,
        seen_from_at,
        seen_to_at
    from users
    where is_present and display_name is not null and account_type is distinct from 'unknown'
    qualify
        min(account_id) over (partition by site_id, display_name)
        = max(account_id) over (partition by site_id, display_name)
),

final as (
    select
        histories.site_id,
        'assets' as source,
        'object_history' as raw_event,
        case
            when histories.entry_type = '0' then 'created'
            when histories.attribute_name is not null then 'attribute'
            else coalesce('type ' || histories.entry_type, 'without a type')
        end as condition,
        histories.history_id as source_event_id,
        histories.object_id,
        coalesce(histories.actor_account_id, names.account_id) as actor_account_id,
        case
            when histories.actor_account_id is not null then 'known'
            when names.account_id is not null then 'inferred'
            else 'unknown'
        end as actor_certainty,
        histories.actor_name,
        histories.attribute_name,
        histories.old_value,
        histories.new_value,
        histories.created_at as occurred_at,
        histories.fetched_at as recorded_at
    from histories
    left join names
        on
            histories.site_id = names.site_id
            and histories.actor_account_id is null
            and histories.actor_name = names.display_name
            and histories.created_at >= names.seen_from_at
            and (names.seen_to_at is null or histories.created_at < names.seen_to_at)
)

select * from final
