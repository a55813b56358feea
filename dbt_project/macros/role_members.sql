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
