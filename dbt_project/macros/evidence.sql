{#- Evidence: what one source tells of one action that is not done to an issue. All sources give the
    same columns, so that int_actions__matched can find out who tells of the same action. -#}

{#- A changed field, as history entries have them. -#}
{%- macro changes_type() -%}
    struct(
        item_index integer, field_id varchar, field_name varchar,
        old_id varchar, old_text varchar, new_id varchar, new_text varchar
    ) []
{%- endmacro -%}

{%- macro no_changes() -%}
    cast([] as {{ changes_type() }})
{%- endmacro -%}

{%- macro evidence_columns() -%}
    {{ return({
        'site_id': 'varchar',
        'source': 'varchar',
        'source_event_id': 'varchar',
        'item_key': 'varchar',
        'action_code': 'varchar',
        'match_key': 'varchar',
        'occurred_at': 'timestamp',
        'recorded_at': 'timestamp',
        'observed_from_at': 'timestamp',
        'observed_to_at': 'timestamp',
        'actor_account_id': 'varchar',
        'actor_certainty': 'varchar',
        'target_id': 'varchar',
        'target_label': 'varchar',
        'project_id': 'varchar',
        'issue_id': 'varchar',
        'changes': changes_type(),
    }) }}
{%- endmacro -%}

{#- The rows of a relation as evidence, columns in order and of their types. `given` names the
    expressions of the columns that the relation does not have under the column's own name. -#}
{%- macro evidence(relation, given={}) -%}
    select
        {%- for name, type in evidence_columns().items() %}
        cast({{ given.get(name, name) }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro -%}
