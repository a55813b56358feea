{{ config(unique_key=['site_id', 'event_action_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_org_events', 'event_actions') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'attributes': {'displayName': 'varchar', 'groupDisplayName': 'varchar'},
        }) }} as event_action
    from raw
),

final as (
    select
        site_id,
        object_id as event_action_id,
        version,
        event_action.attributes.displayname as display_name,
        event_action.attributes.groupdisplayname as group_display_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
