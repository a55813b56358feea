{#- Items of the administration log: what a record is about, and what else it names. -#}
{%- macro audit_item_shape() -%}
    {{ return({
        'id': 'varchar',
        'name': 'varchar',
        'typeName': 'varchar',
        'parentId': 'varchar',
        'parentName': 'varchar',
    }) }}
{%- endmacro -%}

{#- The first item of a kind, such as PROJECT; null when there is none. -#}
{%- macro audit_item(items, kind) -%}
    list_filter({{ items }}, lambda item: item.item_type = '{{ kind }}')[1]
{%- endmacro -%}

{#- What a record says of one field: its text after, else its text before. -#}
{%- macro changed_text(changes, field_id) -%}
    list_transform(
        list_filter({{ changes }}, lambda change: change.field_id = '{{ field_id }}'),
        lambda change: coalesce(change.new_text, change.old_text)
    )[1]
{%- endmacro -%}
