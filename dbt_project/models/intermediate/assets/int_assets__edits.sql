{#- One edit is what one person did to one object at one moment: it writes an entry per attribute. The
    first values of a new object are part of its creation. -#}
with entries as (
    select * from {{ ref('int_assets__entries') }}
    where condition in ('created', 'attribute')
),

objects as (
    select * from {{ ref('stg_assets__objects') }}
    where is_present
),

edits as (
    select
        site_id,
        object_id,
        occurred_at,
        min_by(source_event_id, {{ number_order('source_event_id') }}) as source_event_id,
        case when bool_or(condition = 'created') then 'created' else 'attribute' end as condition,
        min(actor_account_id) as actor_account_id,
        min(actor_certainty) as actor_certainty,
        min(recorded_at) as recorded_at,
        list(
            struct_pack(
                attribute_name := attribute_name,
                old_value := old_value,
                new_value := new_value
            )
            order by {{ number_order('source_event_id') }}
        ) filter (where condition = 'attribute') as attributes
    from entries
    group by site_id, object_id, occurred_at, actor_account_id, actor_name
),

told as (
    select
        site_id,
        'object_history' as raw_event,
        condition,
        source_event_id,
        object_id,
        occurred_at,
        recorded_at,
        actor_account_id,
        actor_certainty,
        case when condition = 'attribute' then attributes else [] end as attributes
    from edits
    union all
    -- An object whose history does not show its creation still says when it was created.
    select
        objects.site_id,
        'object' as raw_event,
        'seen' as condition,
        objects.object_id as source_event_id,
        objects.object_id,
        min(objects.created_at) as occurred_at,
        min(objects.fetched_at) as recorded_at,
        cast(null as varchar) as actor_account_id,
        'unknown' as actor_certainty,
        [] as attributes
    from objects
    where
        objects.created_at is not null
        and not exists (
            select 1 from edits
            where
                edits.site_id = objects.site_id
                and edits.object_id = objects.object_id
                and edits.condition = 'created'
        )
    group by objects.site_id, objects.object_id
),

final as (
    select
        site_id,
        raw_event,
        condition,
        source_event_id,
        object_id,
        occurred_at,
        recorded_at,
        actor_account_id,
        actor_certainty,
        list_transform(
            range(len(attributes)),
            lambda place: struct_pack(
                item_index := cast(place as integer),
                field_id := attributes[place + 1].attribute_name,
                field_name := attributes[place + 1].attribute_name,
                old_id := cast(null as varchar),
                old_text := attributes[place + 1].old_value,
                new_id := cast(null as varchar),
                new_text := attributes[place + 1].new_value
            )
        ) as changes
    from told
)

select * from final
