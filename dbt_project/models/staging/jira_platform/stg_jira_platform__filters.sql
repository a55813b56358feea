{{ config(unique_key=['site_id', 'filter_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'filters') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'description': 'varchar',
            'jql': 'varchar',
            'owner': embedded_user_shape(),
            'sharePermissions': [{
                'type': 'varchar',
                'project': {'name': 'varchar'},
                'role': {'name': 'varchar'},
                'group': {'name': 'varchar'},
                'user': {'displayName': 'varchar'},
            }],
        }) }} as filter
    from raw
),

final as (
    select
        site_id,
        object_id as filter_id,
        version,
        filter.name as filter_name,
        nullif(filter.description, '') as description,
        filter.jql as jql,
        {{ embedded_user('filter.owner') }} as filter_owner,
        case
            when filter.sharepermissions is null then null
            when len(filter.sharepermissions) = 0 then 'private'
            else array_to_string(
                list_sort(
                    list_transform(
                        filter.sharepermissions,
                        lambda share: concat_ws(
                            ' ', share.type, share.project.name, share.role.name, share.group.name,
                            share.user.displayname
                        )
                    )
                ),
                ', '
            )
        end as shared_with,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
