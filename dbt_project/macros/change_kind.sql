{#- What a changelog item did to its field: 'set', 'cleared', 'replaced', or 'none' when neither
    side holds anything. Texts are looked at where there are no ids. -#}
{%- macro change_kind(item) -%}
    case
        when coalesce(nullif({{ item }}.old_id, ''), nullif({{ item }}.old_text, '')) is null
            then case
                when coalesce(nullif({{ item }}.new_id, ''), nullif({{ item }}.new_text, '')) is null then 'none'
                else 'set'
            end
        when coalesce(nullif({{ item }}.new_id, ''), nullif({{ item }}.new_text, '')) is null then 'cleared'
        else 'replaced'
    end
{%- endmacro -%}
