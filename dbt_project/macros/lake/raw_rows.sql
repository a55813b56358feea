{#- Reading the lake.

    `raw/manifest.json` is the one list of files that count; it is written by pipelines. A staging
    model reads the files it has not read yet, remembered in `elt_state.processed_files` in the
    same transaction as its rows. A compacted file whose parts were all read counts as read. -#}

{%- macro lake_path() -%}
    {{- dbt.escape_single_quotes(env_var('AUDIT_LOG_HOME', './data') ~ '/raw/') -}}
{%- endmacro -%}

{%- macro manifest_files(source_name, resource) -%}
    select manifest.file, manifest.replaces
    from read_json(
        '{{ lake_path() }}manifest.json',
        format = 'array',
        columns = {source: 'varchar', resource: 'varchar', file: 'varchar', load_id: 'varchar', replaces: 'varchar[]'}
    ) as manifest
    where manifest.source = '{{ source_name | replace("raw_", "") }}' and manifest.resource = '{{ resource }}'
{%- endmacro -%}

{#- Set the session variables `known_files` (the resource's files as of now) and `raw_files` (those
    of them to read now, in order); return how many are to be read. -#}
{%- macro choose_raw_files(source_name, resource) -%}
    {%- set query -%}
        with manifest_files as ({{ manifest_files(source_name, resource) }}),
        processed as (
            select file from {{ target.database }}.elt_state.processed_files
            where model = '{{ this.identifier }}' and {{ 'true' if is_incremental() else 'false' }}
        ),
        unprocessed as (
            select file from manifest_files
            where
                file not in (select file from processed)
                and not (len(replaces) > 0 and list_has_all((select coalesce(list(file), []) from processed), replaces))
        )
        select
            coalesce((select list(file order by file) from manifest_files), []) as known_files,
            coalesce((select list('{{ lake_path() }}' || file order by file) from unprocessed), []) as raw_files
    {%- endset -%}
    {%- do run_query("create or replace temp table chosen_files as " ~ query) -%}
    {%- do run_query("set variable known_files = (select known_files from chosen_files)") -%}
    {%- do run_query("set variable raw_files = (select raw_files from chosen_files)") -%}
    {{ return(run_query("select len(getvariable('raw_files'))")[0][0]) }}
{%- endmacro -%}

{#- The rows of a resource this model has not seen yet, one per (site_id, parent_id, object_id, version):
    the one that was fetched first. Keys are compared before any payload is read. Without a file, an
    empty relation of the same columns. -#}
{%- macro raw_rows(source_name, resource) -%}
    {%- set relation = source(source_name, resource) -%}
    {%- if execute and relation.external and choose_raw_files(source_name, resource) == 0 -%}
    select
        cast(null as varchar) as site_id, cast(null as varchar) as object_id, cast(null as varchar) as parent_id,
        cast(null as varchar) as version, cast(null as timestamp) as source_at, cast(null as timestamp) as fetched_at,
        cast(null as boolean) as is_present, cast(null as varchar) as payload
    where false
    {%- else -%}
    select
        raw.site_id, raw.object_id, raw.parent_id, raw.version, {{ utc_timestamp('raw.source_at') }} as source_at,
        {{ utc_timestamp('raw.fetched_at') }} as fetched_at, raw.is_present, raw.payload
    from {{ relation }} as raw
    semi join (
        select keys.file_index, keys.file_row_number
        from {{ relation }} as keys
        qualify row_number() over (
            partition by keys.site_id, keys.parent_id, keys.object_id, keys.version
            order by keys.fetched_at, keys.file_index, keys.file_row_number
        ) = 1
    ) as first_seen
        on raw.file_index = first_seen.file_index and raw.file_row_number = first_seen.file_row_number
    {%- endif -%}
{%- endmacro -%}

{%- macro mark_raw_files_processed() -%}
    {%- if execute -%}
    {%- set state = target.database ~ '.elt_state.processed_files' -%}
    {%- if not is_incremental() -%}
    delete from {{ state }} where model = '{{ this.identifier }}';
    {%- endif -%}
    insert into {{ state }}
    select '{{ this.identifier }}', known.file
    from unnest(getvariable('known_files')) as known (file)
    where known.file not in (select file from {{ state }} where model = '{{ this.identifier }}');
    {%- endif -%}
{%- endmacro -%}

{#- When the newest load of a source was begun (dlt's load ids are seconds since 1970). -#}
{%- macro last_loaded(source_name) -%}
    select max(to_timestamp(try_cast(manifest.load_id as double)))
    from read_json(
        '{{ lake_path() }}manifest.json', format = 'array', columns = {source: 'varchar', load_id: 'varchar'}
    ) as manifest
    where manifest.source = '{{ source_name }}'
{%- endmacro -%}
