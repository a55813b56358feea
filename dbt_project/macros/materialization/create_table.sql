{#- A table whose columns named in `config(compressed={column: method})` are stored by that method. DuckDB
    tries its methods on a sample and would store long JSON by one that takes five times the time and
    twice the space. Other tables are created as dbt does it. -#}
{%- macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set compressed = config.get('compressed') -%}
    {%- if compressed is none or temporary -%}
    {{ return(dbt.duckdb__create_table_as(
        temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
    )) }}
    {%- endif -%}
    create table {{ relation }} (
        {%- for column in run_query('describe ' ~ compiled_code).rows %}
        {{ adapter.quote(column[0]) }} {{ column[1] }}
        {%- if column[0] in compressed %} using compression {{ compressed[column[0]] }}{% endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    );
    insert into {{ relation }} by name
    {{ compiled_code }}
{%- endmacro -%}
