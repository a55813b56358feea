{#- Roles have no history: who came and went between two listings is all that can be told. -#}
{%- set lists = [
    ('schema_role', 'schema_roles', 'object_schema_id'),
    ('object_type_role', 'object_type_roles', 'object_type_id'),
] -%}

with sweeps as (
    select * from {{ ref('stg_assets__sweeps') }}
),

-- Assets may give the accounts in a role without their names.
names as (
    select
        site_id,
        map_from_entries(list((account_id, display_name))) as display_names
    from {{ ref('int_users__listed') }}
    where display_name is not null
    group by site_id
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
        roles.* exclude (members, previous_members),
        names.display_names,
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
    left join names on roles.site_id = names.site_id
),

named as (
    select
        * exclude (moved, display_names),
        list_transform(
            moved,
            lambda one: struct_pack(
                member_id := one.member.member_id,
                actor_id := one.member.actor_id,
                actor_name := coalesce(
                    nullif(one.member.actor_name, one.member.actor_id),
                    display_names[one.member.actor_id],
                    one.member.actor_id
                ),
                is_added := one.is_added
            )
        ) as moved
    from differing
    where len(moved) > 0
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
                field_id := moved[place + 1].member_id,
                field_name := case
                    when moved[place + 1].member_id like 'group:%' then 'Group' else 'User'
                end,
                old_id := case when not moved[place + 1].is_added then moved[place + 1].actor_id end,
                old_text := case when not moved[place + 1].is_added then moved[place + 1].actor_name end,
                new_id := case when moved[place + 1].is_added then moved[place + 1].actor_id end,
                new_text := case when moved[place + 1].is_added then moved[place + 1].actor_name end
            )
        ) as changes
    from named
)

select * from final
