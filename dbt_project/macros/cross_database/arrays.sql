{#- Arrays. Each macro is dispatched, as those of JSON. -#}

{#- In a select list: one row per element of an array, and no row for an empty one. Not a lateral
    join: DuckDB would carry every column of the row through it. -#}
{%- macro each(array) -%}
    {{ return(adapter.dispatch('each', 'audit_log')(array)) }}
{%- endmacro -%}

{%- macro default__each(array) -%}
    unnest({{ array }})
{%- endmacro -%}

{#- Those of a history entry's items that change one of the fields (ids in lower case). -#}
{%- macro items_of(items, field_ids) -%}
    {{ return(adapter.dispatch('items_of', 'audit_log')(items, field_ids)) }}
{%- endmacro -%}

{%- macro default__items_of(items, field_ids) -%}
    list_filter({{ items }}, lambda item: lower(item.field_id) in ('{{ field_ids | join("', '") }}'))
{%- endmacro -%}
