{#- Who holds a permission or is in a security level, as Jira writes it. -#}

{%- macro holder_shape() -%}
    {{ return({
        'type': 'varchar',
        'parameter': 'varchar',
        'value': 'varchar',
        'group': {'name': 'varchar', 'groupId': 'varchar'},
        'projectRole': {'name': 'varchar'},
        'user': {'displayName': 'varchar'},
    }) }}
{%- endmacro -%}

{#- Id of the holder; of a group that comes with neither, its name. -#}
{%- macro holder_id(holder) -%}
    coalesce({{ holder }}.value, {{ holder }}."group".groupid, {{ holder }}.parameter)
{%- endmacro -%}

{#- The holders of `relation` (site_id, holder_type, holder_id) with the ids of groups instead of names. -#}
{%- macro resolved_holders(relation) -%}
    select
        holders.* replace (
            case
                when holders.holder_type = 'group' then coalesce(named_groups.group_id, holders.holder_id)
                else holders.holder_id
            end as holder_id
        )
    from {{ relation }} as holders
    left join {{ ref('int_groups__named') }} as named_groups
        on holders.site_id = named_groups.site_id and holders.holder_id = named_groups.group_name
{%- endmacro -%}
