{#- Roles have no history: who came and went between two listings is all that can be told. -#}
{%- set lists = [
    ('schema_role', 'schema_roles', 'object_schema_id'),
    ('object_type_role', 'object_type_roles', 'object_type_id'),
] -%}

with sweeps as (
    select * from {{ ref('stg_assets__sweeps') }}
),

{% for raw_event, resource, parent in lists %}
    {{ resource }} as (
        select * from {{ ref('stg_assets__' ~ resource) }}
    ),

    {{ raw_event }}_changes as (
        {{ listing_changes(resource, 'sweeps', ['role_id'], "'" ~ resource ~ ":' || listed." ~ parent) }}
    ),
{% endfor %}

roles as (
    {% for raw_event, resource, parent in lists %}
        select
            site_id,
            '{{ raw_event }}' as raw_event,
            role_id,
            version,
            role_name,
            members,
            previous.members as previous_members,
            observed_from_at,
            observed_to_at,
            fetched_at
        from {{ raw_event }}_changes
        where change in ('changed', 'returned')
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

differing as (
    select
        * exclude (members, previous_members),
        list_concat(
            list_transform(
                list_filter(
                    previous_members,
                    lambda member: not list_contains(
                        list_transform(members, lambda one: one.member_id), member.member_id
                    )
                ),
                lambda member: struct_pack(member := member, is_added := false)
            ),
            list_transform(
                list_filter(
                    members,
                    lambda member: not list_contains(
                        list_transform(previous_members, lambda one: one.member_id), member.member_id
                    )
                ),
                lambda member: struct_pack(member := member, is_added := true)
            )
        ) as moved
    from roles
),

final as (
    select
        site_id,
        raw_event,
        'changed' as condition,
        role_id || '@' || version as source_event_id,
        role_id,
        role_name,
        observed_from_at,
        observed_to_at,
        fetched_at as recorded_at,
        list_transform(
            range(len(moved)),
            lambda place: struct_pack(
                item_index := cast(place as integer),
                field_id := moved[place + 1].member.member_id,
                field_name := case
                    when moved[place + 1].member.member_id like 'group:%' then 'Group' else 'User'
                end,
                old_id := case when not moved[place + 1].is_added then moved[place + 1].member.actor_id end,
                old_text := case
                    when not moved[place + 1].is_added then moved[place + 1].member.actor_name
                end,
                new_id := case when moved[place + 1].is_added then moved[place + 1].member.actor_id end,
                new_text := case when moved[place + 1].is_added then moved[place + 1].member.actor_name end
            )
        ) as changes
    from differing
    where len(moved) > 0
)

select * from final
