with records as (
    select * from {{ ref('int_confluence_records__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'confluence'
),

mapped as (
    select
        records.site_id,
        records.source,
        records.source_event_id,
        mappings.action_code,
        records.occurred_at,
        records.recorded_at,
        records.actor_account_id,
        records.actor_certainty,
        records.object_key as target_id,
        records.object_name as target_label,
        list_transform(
            range(len(records.changed_values)),
            lambda place: struct_pack(
                item_index := cast(place as integer),
                field_id := records.changed_values[place + 1].name,
                field_name := records.changed_values[place + 1].name,
                old_id := cast(null as varchar),
                old_text := nullif(records.changed_values[place + 1].oldvalue, ''),
                new_id := cast(null as varchar),
                new_text := nullif(records.changed_values[place + 1].newvalue, '')
            )
        ) as changes
    from records
    inner join mappings
        on records.raw_event = mappings.raw_event and records.condition = mappings.condition
),

-- Each record is an action of its own: nothing else tells of it.
final as (
    {{ evidence('mapped', {
        'item_key': "''", 'match_key': 'source_event_id', 'observed_from_at': 'null', 'observed_to_at': 'null',
        'project_id': 'null', 'issue_id': 'null',
    }) }}
)

select * from final
