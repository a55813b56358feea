{#- The first of some texts that is an Atlassian account id; null when none is. Older records carry user
    keys and names in the same members. -#}
{%- macro first_account_id(expressions) -%}
    coalesce(
        {%- for expression in expressions %}
        case
            when regexp_full_match({{ expression }}, '[0-9a-f]{24}|[0-9]+:[0-9a-f-]{36}')
                then {{ expression }}
        end{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro -%}
