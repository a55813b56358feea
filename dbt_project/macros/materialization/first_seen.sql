{#- Incremental strategy of staging: of several copies of one object version the one fetched first
    stays, whatever the order in which they arrive. -#}
{%- macro get_incremental_first_seen_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set incoming = arg_dict['temp_relation'] -%}

    delete from {{ target }} as stored
    using {{ incoming }} as incoming
    where {{ same_key('stored', 'incoming', arg_dict['unique_key']) }}
        and incoming.fetched_at < stored.fetched_at;

    insert into {{ target }} by name
    select incoming.*
    from {{ incoming }} as incoming
    where not exists (
        select 1 from {{ target }} as stored
        where {{ same_key('stored', 'incoming', arg_dict['unique_key']) }}
    );
{%- endmacro -%}

{%- macro same_key(left, right, columns) -%}
    {%- for column in columns -%}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}
