{#- Names of issues in texts: ids are digits, everything else is a key. Each macro is dispatched. -#}

{%- macro issue_key_pattern() -%}
    [A-Za-z][A-Za-z0-9_]*-[0-9]+
{%- endmacro -%}

{#- The issues that a value names, by its id and by its text: an array, empty where there is no name. -#}
{%- macro issue_names(value_id, value) -%}
    {{ return(adapter.dispatch('issue_names', 'audit_log')(value_id, value)) }}
{%- endmacro -%}

{%- macro default__issue_names(value_id, value) -%}
    list_concat(
        regexp_extract_all(coalesce({{ value_id }}, ''), '{{ issue_key_pattern() }}|[0-9]+'),
        regexp_extract_all(coalesce({{ value }}, ''), '{{ issue_key_pattern() }}')
    )
{%- endmacro -%}

{#- The two issues of a link's id (`<one>-<type of link>-<other>`): an array; one that cannot be read is empty. -#}
{%- macro link_ends(link_id) -%}
    {{ return(adapter.dispatch('link_ends', 'audit_log')(link_id)) }}
{%- endmacro -%}

{%- macro default__link_ends(link_id) -%}
    list_value(
        {%- for place in [1, 2] %}
        regexp_extract(
            coalesce({{ link_id }}, ''),
            '^({{ issue_key_pattern() }}|[0-9]+)-[0-9]*-({{ issue_key_pattern() }}|[0-9]+)$',
            {{ place }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro -%}
