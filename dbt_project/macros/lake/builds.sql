{#- Builds: one per dbt invocation. Every stored row of staging carries the build that stored it;
    a model that continues where it stopped remembers which builds it has taken in
    (`elt_state.processed_builds`, in the same database and transaction as its rows). A set, not a
    maximum: a build that failed half-way is taken in later. -#}

{%- macro register_build() -%}
    {%- if execute -%}
    create schema if not exists {{ target.database }}.elt_state;
    create schema if not exists marts.elt_state;
    create table if not exists {{ target.database }}.elt_state.processed_files (model varchar, file varchar);
    create table if not exists {{ target.database }}.elt_state.processed_builds (model varchar, build_id bigint);
    create table if not exists marts.elt_state.processed_builds (model varchar, build_id bigint);
    create table if not exists marts.elt_state.changed_actor_days (
        build_id bigint, site_id varchar, occurred_date date, actor_account_id varchar
    );
    create table if not exists {{ target.database }}.elt_state.builds (build_id bigint, invocation_id varchar);
    -- Larger than every earlier one, and never that of a warehouse that was deleted since.
    insert into {{ target.database }}.elt_state.builds
    select greatest(coalesce(max(build_id), 0) + 1, epoch_us(now())), '{{ invocation_id }}'
    from {{ target.database }}.elt_state.builds;
    {%- endif -%}
{%- endmacro -%}

{#- The number of this build. -#}
{%- macro this_build() -%}
    (select max(build_id) from {{ target.database }}.elt_state.builds where invocation_id = '{{ invocation_id }}')
{%- endmacro -%}

{#- Builds whose rows `model` has not taken in yet; `database` is the model's. -#}
{%- macro builds_not_in(model, database=target.database) -%}
    select builds.build_id
    from {{ target.database }}.elt_state.builds as builds
    where builds.build_id not in (
        select processed.build_id
        from {{ database }}.elt_state.processed_builds as processed
        where processed.model = '{{ model }}'
    )
{%- endmacro -%}

{#- Post-hook: this model has now taken in `builds` (a query of build_id). -#}
{%- macro mark_builds_processed(builds) -%}
    {%- if execute -%}
    {%- set state = this.database ~ '.elt_state.processed_builds' -%}
    {%- if not is_incremental() -%}
    delete from {{ state }} where model = '{{ this.identifier }}';
    {%- endif -%}
    insert into {{ state }}
    select '{{ this.identifier }}', taken_in.build_id
    from ({{ builds }}) as taken_in
    where taken_in.build_id not in (select build_id from {{ state }} where model = '{{ this.identifier }}');
    {%- endif -%}
{%- endmacro -%}

{#- Whether marts derived per issue must be computed from all issues: asked for, or one of them is
    not there. -#}
{%- macro must_rebuild(models) -%}
    {%- set answer = namespace(value=flags.FULL_REFRESH) -%}
    {%- if execute -%}
        {%- for model in models -%}
            {%- if adapter.get_relation(database='marts', schema='main', identifier=model) is none -%}
                {%- set answer.value = true -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(answer.value) }}
{%- endmacro -%}

{#- Refuse to fill a mart from scratch out of a part of the issues. -#}
{%- macro require_all_issues() -%}
    {%- if execute and not is_incremental() -%}
        {%- set missing = run_query(
            'select count(*) from ' ~ target.database ~ '.elt_state.builds where build_id not in (select build_id from '
            ~ ref('int_builds__pending') ~ ')'
        )[0][0] -%}
        {%- if missing > 0 -%}
            {{ exceptions.raise_compiler_error(
                this.identifier ~ ' is to be filled from scratch, but only some issues were recomputed: '
                ~ 'run `dbt build --full-refresh` without a selection'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}
