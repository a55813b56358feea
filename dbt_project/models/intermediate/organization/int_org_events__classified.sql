with events as (
    select * from {{ ref('stg_org_events__events') }}
),

event_actions as (
    select * from {{ ref('stg_org_events__event_actions') }}
),

listed as (
    {{ latest_listed('event_actions', 'event_action_id') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'org_events'
),

-- The ids of many event actions are published nowhere: a rule names an id or, in lower case, what
-- people read in the organisation's list of event actions. The id is believed first.
known as (
    select
        site_id,
        event_action_id,
        display_name,
        lower(trim(display_name)) as name_in_rules
    from listed
    where display_name is not null
),

kinds as (
    select distinct
        site_id,
        event_action_id
    from events
),

ruled as (
    select
        kinds.site_id,
        kinds.event_action_id,
        known.display_name,
        case
            when by_id.raw_event is not null or known.name_in_rules is null then kinds.event_action_id
            else known.name_in_rules
        end as raw_event,
        case
            when by_id.raw_event is not null or known.name_in_rules is null then 'id' else 'display_name'
        end as condition,
        case
            when by_id.raw_event is not null then by_id.action_code else by_name.action_code
        end as action_code
    from kinds
    left join known on kinds.site_id = known.site_id and kinds.event_action_id = known.event_action_id
    left join mappings as by_id on kinds.event_action_id = by_id.raw_event and by_id.condition = 'id'
    left join mappings as by_name
        on known.name_in_rules = by_name.raw_event and by_name.condition = 'display_name'
),

final as (
    select
        events.site_id,
        'org_events' as source,
        events.event_id as source_event_id,
        coalesce(ruled.raw_event, '') as raw_event,
        ruled.condition,
        ruled.action_code,
        coalesce(ruled.display_name, events.event_action_id) as display_name,
        events.occurred_at,
        events.actor_account_id,
        events.users,
        events.groups,
        events.issue_id_or_key,
        events.fetched_at,
        events.build_id
    from events
    left join ruled
        on
            events.site_id = ruled.site_id
            and events.event_action_id is not distinct from ruled.event_action_id
)

select * from final
