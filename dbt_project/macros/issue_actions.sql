{#- Actions on issues, as every source of them gives them: what happens to issues has an id that every
    channel carries (`event_key`), so that the rows of one action meet by themselves. -#}

{#- Column -> its type, and what it is where a source says nothing of it; without that, the relation's
    own column of that name. -#}
{%- macro issue_action_columns() -%}
    {{ return({
        'site_id': ['varchar', none],
        'source': ['varchar', believed_channel('is_polled')],
        'source_event_id': ['varchar', none],
        'event_key': ['varchar', none],
        'item_key': ['varchar', "''"],
        'action_code': ['varchar', none],
        'occurred_at': ['timestamp', none],
        'recorded_at': ['timestamp', none],
        'observed_from_at': ['timestamp', 'null'],
        'observed_to_at': ['timestamp', 'null'],
        'actor_account_id': ['varchar', none],
        'target_id': ['varchar', none],
        'target_label': ['varchar', 'null'],
        'issue_id': ['varchar', none],
        'from_status_id': ['varchar', 'null'],
        'to_status_id': ['varchar', 'null'],
        'resolution_id': ['varchar', 'null'],
        'old_value': ['varchar', 'null'],
        'new_value': ['varchar', 'null'],
        'change_count': ['integer', '0'],
        'sources': ['varchar', channels('is_polled', 'is_pushed')],
    }) }}
{%- endmacro -%}

{#- The rows of a relation as actions on issues, columns in order and of their types. `given` names the
    expressions of the columns that differ. -#}
{%- macro issue_actions(relation, given={}) -%}
    select
        {%- for name, (type, absent) in issue_action_columns().items() %}
        cast({{ given.get(name, absent or name) }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro -%}
