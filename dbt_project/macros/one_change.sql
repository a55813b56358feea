{#- The changes of evidence that has one: the expressions of its field and of both sides. -#}
{%- macro one_change(
    field_id, field_name, old_id='null', old_text='null', new_id='null', new_text='null', item_index=0
) -%}
    cast(
        [
            struct_pack(
                item_index := {{ item_index }},
                field_id := {{ field_id }},
                field_name := {{ field_name }},
                old_id := {{ old_id }},
                old_text := {{ old_text }},
                new_id := {{ new_id }},
                new_text := {{ new_text }}
            )
        ] as {{ changes_type() }}
    )
{%- endmacro -%}
