{#- One side ('old' or 'new') of a history entry's items as people read it: the value of a single
    item as it is; of several a line `Field name: value` for each that has a value. -#}
{%- macro changes_as_text(items, side) -%}
    case
        when len({{ items }}) = 1 then coalesce({{ items }}[1].{{ side }}_text, {{ items }}[1].{{ side }}_id)
        else nullif(
            array_to_string(
                list_transform(
                    list_filter(
                        {{ items }},
                        lambda item: coalesce(nullif(item.{{ side }}_text, ''), nullif(item.{{ side }}_id, '')) is not null
                    ),
                    lambda item: item.field_name || ': ' || coalesce(nullif(item.{{ side }}_text, ''), item.{{ side }}_id)
                ),
                chr(10)
            ),
            ''
        )
    end
{%- endmacro -%}
