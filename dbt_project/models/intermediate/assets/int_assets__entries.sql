{#- Entries of objects' histories, and what of them our rules go by: the object's creation, the change of
    an attribute, or the number Assets gives to anything else. -#}
with histories as (
    select * from {{ ref('stg_assets__object_histories') }}
),

-- Where an entry shows only a name, it tells who did it if one account alone ever had that name.
names as (
    select
        site_id,
        display_name,
        min(account_id) as account_id
    from {{ ref('stg_jira_platform__users') }}
    where display_name is not null
    group by site_id, display_name
    having count(distinct account_id) = 1
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
        on histories.site_id = names.site_id and histories.actor_name = names.display_name
)

select * from final
