{#- Arrays. Each macro is dispatched, as those of JSON. -#}

{#- One row per element of an array: `from {{ relation }} {{ unnested('relation.array', 'alias', 'column') }}`. -#}
{%- macro unnested(array, alias, column) -%}
    {{ return(adapter.dispatch('unnested', 'audit_log')(array, alias, column)) }}
{%- endmacro -%}

{%- macro default__unnested(array, alias, column) -%}
    cross join unnest({{ array }}) as {{ alias }} ({{ column }})
{%- endmacro -%}
