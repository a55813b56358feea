{#- Arrays. Each macro is dispatched, as those of JSON. -#}

{#- In a select list: one row per element of an array, and no row for an empty one. Not a lateral
    join: DuckDB would carry every column of the row through it. -#}
{%- macro each(array) -%}
    {{ return(adapter.dispatch('each', 'audit_log')(array)) }}
{%- endmacro -%}

{%- macro default__each(array) -%}
    unnest({{ array }})
{%- endmacro -%}

{#- As `each`, but an empty array gives one row, with `otherwise`. -#}
{%- macro each_or(array, otherwise) -%}
    {{ return(adapter.dispatch('each_or', 'audit_log')(array, otherwise)) }}
{%- endmacro -%}

{%- macro default__each_or(array, otherwise) -%}
    unnest(case when len({{ array }}) > 0 then {{ array }} else [{{ otherwise }}] end)
{%- endmacro -%}

{#- An empty array of texts. -#}
{%- macro no_texts() -%}
    {{ return(adapter.dispatch('no_texts', 'audit_log')()) }}
{%- endmacro -%}

{%- macro default__no_texts() -%}
    cast([] as varchar [])
{%- endmacro -%}

{#- Those of a history entry's items that change one of the fields (ids in lower case). -#}
{%- macro items_of(items, field_ids) -%}
    {{ return(adapter.dispatch('items_of', 'audit_log')(items, field_ids)) }}
{%- endmacro -%}

{%- macro default__items_of(items, field_ids) -%}
    list_filter({{ items }}, lambda item: lower(item.field_id) in ('{{ field_ids | join("', '") }}'))
{%- endmacro -%}

{#- Aggregate: of the times in a group the first, and then each that is at least `pause` after the one
    taken before; an array in order of time. -#}
{%- macro spaced_apart(moment, pause) -%}
    {{ return(adapter.dispatch('spaced_apart', 'audit_log')(moment, pause)) }}
{%- endmacro -%}

{%- macro default__spaced_apart(moment, pause) -%}
    list_reduce(
        list_transform(list_sort(list(distinct {{ moment }})), lambda moment: [moment]),
        lambda taken, next: case when next[1] >= taken[-1] + {{ pause }} then list_concat(taken, next) else taken end
    )
{%- endmacro -%}

{#- Aggregate: a map of keys to numbers, in order of the keys. -#}
{%- macro map_of(key, number) -%}
    {{ return(adapter.dispatch('map_of', 'audit_log')(key, number)) }}
{%- endmacro -%}

{%- macro default__map_of(key, number) -%}
    map(list({{ key }} order by {{ key }}), list({{ number }} order by {{ key }}))
{%- endmacro -%}

{#- In a select list: a row per entry of a map; its parts are `<alias>.key` and `<alias>.value`. -#}
{%- macro each_entry(map) -%}
    {{ return(adapter.dispatch('each_entry', 'audit_log')(map)) }}
{%- endmacro -%}

{%- macro default__each_entry(map) -%}
    unnest(map_entries({{ map }}))
{%- endmacro -%}
