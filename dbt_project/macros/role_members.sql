{#- The people and groups of a role of Assets, each identified by its kind and id, in one order. -#}
{%- macro role_members(actors) -%}
    list_sort(
        list_transform(
            coalesce({{ actors }}, []),
            lambda actor: struct_pack(
                member_id := (case when actor.type like '%group%' then 'group:' else 'user:' end) || actor.name,
                actor_id := actor.name,
                actor_name := coalesce(actor.displayname, actor.name)
            )
        )
    )
{%- endmacro -%}

{#- Each version of the roles of one list of Assets, with the members in one order. `raw` is the
    relation of the raw rows, `parent` what the role belongs to. -#}
{%- macro asset_role_versions(raw, parent) -%}
    select
        site_id,
        object_id as role_id,
        version,
        parent_id as {{ parent }},
        listed_role.name as role_name,
        {{ role_members('listed_role.actors') }} as members,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from (
        select
            *,
            {{ json_to_struct('payload', {
                'name': 'varchar',
                'actors': [{'type': 'varchar', 'name': 'varchar', 'displayName': 'varchar'}],
            }) }} as listed_role
        from {{ raw }}
    ) as parsed
{%- endmacro -%}
