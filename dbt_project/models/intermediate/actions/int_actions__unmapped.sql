{#- What has all events of a source, with site_id, source, raw_event, condition, source_event_id and
    occurred_at: one more name here, and events that action_mappings does not know are counted. -#}
{%- set relations = [
    'int_audit_records__classified',
    'int_org_events__classified',
    'int_issue_views__unresolved',
    'int_assets__entries',
    'int_confluence_records__classified',
    'int_webhooks__classified',
] -%}

with mappings as (
    select * from {{ ref('action_mappings') }}
),

events as (
    select
        cast(null as varchar) as site_id,
        cast(null as varchar) as source,
        cast(null as varchar) as raw_event,
        cast(null as varchar) as condition,
        cast(null as varchar) as source_event_id,
        cast(null as timestamp) as occurred_at
    where false
    {% for relation in relations %}
        union all
        select
            site_id,
            source,
            raw_event,
            condition,
            source_event_id,
            occurred_at
        from {{ ref(relation) }}
    {% endfor %}
),

final as (
    select
        events.site_id,
        events.source,
        events.raw_event,
        events.condition,
        count(*) as event_count,
        min(events.occurred_at) as first_seen_at,
        max(events.occurred_at) as last_seen_at,
        min_by(events.source_event_id, (events.occurred_at, events.source_event_id)) as example_event_id
    from events
    where
        not exists (
            select 1 from mappings
            where
                mappings.source = events.source
                and mappings.raw_event = events.raw_event
                and coalesce(mappings.condition, '') = coalesce(events.condition, '')
        )
    group by events.site_id, events.source, events.raw_event, events.condition
)

select * from final
