{#- Parts of an event of the organisation's log. Dispatched, as the macros of JSON are. -#}

{#- The items of one type among those the event is about, each with its id and name. -#}
{%- macro context_items(context, type) -%}
    {{ return(adapter.dispatch('context_items', 'audit_log')(context, type)) }}
{%- endmacro -%}

{%- macro default__context_items(context, type) -%}
    list_transform(
        list_filter(coalesce({{ context }}, []), lambda item: item.type = '{{ type }}' and item.id is not null),
        lambda item: struct_pack(id := item.id, name := item.attributes.name)
    )
{%- endmacro -%}

{#- The first value of a member among the elements of an array. -#}
{%- macro first_filled(array, member) -%}
    {{ return(adapter.dispatch('first_filled', 'audit_log')(array, member)) }}
{%- endmacro -%}

{%- macro default__first_filled(array, member) -%}
    list_filter(
        list_transform({{ array }}, lambda element: nullif(element.{{ member }}, '')),
        lambda text: text is not null
    )[1]
{%- endmacro -%}

{#- The people an event is about; nobody named: the actor did it to oneself. -#}
{%- macro people_of(event) -%}
    {{ return(adapter.dispatch('people_of', 'audit_log')(event)) }}
{%- endmacro -%}

{%- macro default__people_of(event) -%}
    case
        when len({{ event }}.users) > 0 then {{ event }}.users
        else [struct_pack(id := {{ event }}.actor_account_id, name := cast(null as varchar))]
    end
{%- endmacro -%}

{#- The change of a group by the person `subject` who came ('new') or went ('old'). -#}
{%- macro member_change(side) -%}
    {{ one_change("'member'", "'Member'", **{side ~ '_id': 'subject.id', side ~ '_text': 'subject.name'}) }}
{%- endmacro -%}

{#- What happened, of several events that are the same action. -#}
{%- macro sub_action_change(display_name) -%}
    {{ one_change("'organization_action'", "'Organization action'", new_text=display_name) }}
{%- endmacro -%}

{#- The newest of the times that the elements of an array have in a member, UTC. -#}
{%- macro newest_of(array, member) -%}
    {{ return(adapter.dispatch('newest_of', 'audit_log')(array, member)) }}
{%- endmacro -%}

{%- macro default__newest_of(array, member) -%}
    list_max(list_transform({{ array }}, lambda element: {{ utc_timestamp('element.' ~ member) }}))
{%- endmacro -%}
