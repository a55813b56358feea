{#- Incremental strategy of everything derived per issue. The model computes all rows of the issues
    it recomputes; stored rows of those issues that are no longer computed go, new and changed ones
    come, and equal ones stay where they are, so that the table keeps its order of time.

    Recomputed issues are those of the relation `config(affected=…)`, or those the model returns; rows
    without an issue are computed every time.
    `build_id`, the build that stored a row, does not make it another row.

    `config(with_those_naming_them=true)`: the issues are also recomputed whose texts name one of those.

    `config(counted_by=[...])` names rollups of the table: the days and actors of rows that went or came
    are remembered for them. -#}
{%- macro get_incremental_replace_changed_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set computed = arg_dict['temp_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set key = [key] if key is string else key -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='name') | list -%}
    {%- set compared = columns | reject('equalto', 'build_id') | list -%}
    {%- set affected = ref(config.get('affected')) if config.get('affected') else computed -%}
    {%- if config.get('with_those_naming_them') -%}
        {%- set affected = '(' ~ issues_naming_affected_ones() ~ ')' -%}
    {%- endif -%}
    {%- set stored = this.identifier ~ '__stored' -%}
    {%- set gone = this.identifier ~ '__gone' -%}

    -- Found by one column, and only then read as a whole.
    create or replace temp table {{ stored }} as
    select {{ compared | join(', ') }}
    from {{ target }}
    where rowid in (
        select rowid from {{ target }}
        where issue_id in (select issue_id from {{ affected }})
        union all
        select rowid from {{ target }}
        where issue_id is null
    );

    create or replace temp table {{ gone }} as
    select {{ key | join(', ') }}
    from (
        select {{ compared | join(', ') }} from {{ stored }}
        except
        select {{ compared | join(', ') }} from {{ computed }}
    ) as changed;

    {%- if config.get('counted_by') %}

    {{ remember_actor_days(stored ~ ' as stored', 'semi join ' ~ gone ~ ' as gone on ' ~ same_key('stored', 'gone', key)) }}
    {%- endif %}

    delete from {{ target }} as stored
    using {{ gone }} as gone
    where {{ same_key('stored', 'gone', key) }};

    delete from {{ stored }} as stored
    using {{ gone }} as gone
    where {{ same_key('stored', 'gone', key) }};
    {%- if config.get('counted_by') %}

    {{ remember_actor_days(computed ~ ' as computed', 'anti join ' ~ stored ~ ' as stored on ' ~ same_key('stored', 'computed', key)) }}
    {%- endif %}

    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ computed }} as computed
    where not exists (
        select 1 from {{ stored }} as stored
        where {{ same_key('stored', 'computed', key) }}
    );

    drop table {{ stored }};
    drop table {{ gone }};
{%- endmacro -%}
