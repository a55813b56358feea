{{ config(unique_key=['site_id', 'event_id']) }}

with raw as (
    {{ raw_rows('raw_org_events', 'events') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'attributes': {
                'time': 'varchar',
                'action': 'varchar',
                'actor': {'id': 'varchar', 'name': 'varchar', 'email': 'varchar'},
                'context': [{'id': 'varchar', 'type': 'varchar', 'attributes': {'name': 'varchar'}}],
                'container': [{'attributes': {'issueKeyOrId': 'varchar'}}],
            },
        }) }} as event
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as event_id,
        event.attributes.action as event_action_id,
        coalesce(source_at, {{ utc_timestamp('event.attributes.time') }}) as occurred_at,
        nullif(event.attributes.actor.id, '') as actor_account_id,
        event.attributes.actor.name as actor_name,
        event.attributes.actor.email as actor_email,
        {{ context_items('event.attributes.context', 'users') }} as users,
        {{ context_items('event.attributes.context', 'groups') }} as groups,
        {{ first_filled('event.attributes.container', 'attributes.issueKeyOrId') }} as issue_id_or_key,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
