{#- A table that continues where it stopped. As dbt's own, without its checks of grants, indexes and
    changed columns, each a round trip through dbt's macros in each of two dozen models: a model whose
    columns changed says so when it inserts by name, and is then built with --full-refresh. -#}
{%- materialization incremental, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing_relation is none or not existing_relation.is_table or should_full_refresh() -%}
        {%- call statement('main') -%}
            {%- if existing_relation is not none -%}
                drop {{ existing_relation.type }} {{ existing_relation }};
            {%- endif -%}
            {{ create_table_as(False, target_relation, sql) }}
        {%- endcall -%}
    {%- else -%}
        {%- set computed = make_temp_relation(target_relation) -%}
        {%- set strategy = adapter.get_incremental_strategy_macro(context, config.require('incremental_strategy')) -%}
        {%- call statement('compute') -%}
            {{ create_table_as(True, computed, sql) }}
        {%- endcall -%}
        {%- call statement('main') -%}
            {{ strategy({
                'target_relation': target_relation,
                'temp_relation': computed,
                'unique_key': config.require('unique_key'),
            }) }}
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization -%}
