{{ config(unique_key=['site_id', 'board_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'board_configurations') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'filter': {'id': 'varchar'},
            'subQuery': {'query': 'varchar'},
            'columnConfig': {
                'columns': [{
                    'name': 'varchar',
                    'statuses': [{'id': 'varchar'}],
                    'min': 'integer',
                    'max': 'integer',
                }],
                'constraintType': 'varchar',
            },
            'estimation': {'type': 'varchar', 'field': {'fieldId': 'varchar', 'displayName': 'varchar'}},
            'ranking': {'rankCustomFieldId': 'varchar'},
        }) }} as configuration
    from raw
),

final as (
    select
        site_id,
        object_id as board_id,
        version,
        configuration.filter.id as filter_id,
        nullif(configuration.subquery.query, '') as sub_query,
        array_to_string(
            list_transform(
                configuration.columnconfig.columns,
                lambda board_column: board_column.name
                || ' ['
                || array_to_string(
                    list_transform(coalesce(board_column.statuses, []), lambda status: status.id), ', '
                )
                || ']'
                || coalesce(' min ' || board_column.min, '')
                || coalesce(' max ' || board_column.max, '')
            ),
            '; '
        ) as board_columns,
        configuration.columnconfig.constrainttype as constraint_type,
        coalesce(configuration.estimation.field.fieldid, configuration.estimation.type) as estimation_id,
        coalesce(
            configuration.estimation.field.displayname, configuration.estimation.type
        ) as estimation_name,
        configuration.ranking.rankcustomfieldid as rank_field_id,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
