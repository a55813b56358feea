{#- Fields that columns and relations of their own are made from, and those that only repeat others. -#}
{%- set fields_with_columns = [
    'summary', 'created', 'updated', 'project', 'issuetype', 'status', 'resolution', 'priority', 'security',
    'parent', 'creator', 'reporter', 'assignee', 'attachment', 'comment', 'worklog', 'issuelinks', 'subtasks',
    'timetracking', 'progress', 'aggregateprogress', 'thumbnail', 'issuerestriction', 'statusCategory',
] -%}

{#- What a value may say of itself, whichever kind of field holds it. -#}
{%- set object_shape = {
    'accountId': 'varchar',
    'groupId': 'varchar',
    'id': 'varchar',
    'displayName': 'varchar',
    'name': 'varchar',
    'value': 'varchar',
    'title': 'varchar',
    'label': 'varchar',
    'key': 'varchar',
    'objectId': 'varchar',
    'type': 'varchar',
    'child': {'id': 'varchar', 'value': 'varchar'},
    'requestType': {'id': 'varchar', 'name': 'varchar'},
    'votes': 'bigint',
    'watchCount': 'bigint',
    'rating': 'bigint',
} -%}

with issues as (
    select * from {{ ref('int_issues__latest') }}
),

members as (
    select
        site_id,
        issue_id,
        {{ each(filled_members('payload', ['fields'], fields_with_columns)) }} as member
    from issues
),

fields as (
    select
        site_id,
        issue_id,
        member.key as field_id,
        starts_with(member.value, '[') as is_list,
        {{ json_elements('member.value') }} as elements
    from members
),

elements as (
    select
        site_id,
        issue_id,
        field_id,
        is_list,
        {{ each('elements') }} as element,
        cast(generate_subscripts(elements, 1) - 1 as integer) as place
    from fields
),

parsed as (
    select
        *,
        case left(element, 1)
            when '{' then {{ json_to_struct('element', object_shape) }}
        end as held,
        case left(element, 1)
            when '"' then json_extract_string(element, '$')
            when '{' then null
            else regexp_replace(cast(element as varchar), '[.]0+$', '')
        end as plain
    from elements
    where element not in ('""', '{}', '[]')
),

-- An option of two levels holds the one below it.
levelled as (
    select
        *,
        {{ each("case when held.child is null or is_list then [false] else [false, true] end") }} as is_child
    from parsed
),

valued as (
    select
        site_id,
        issue_id,
        field_id,
        case when is_child then place + 1 else place end as value_index,
        case
            when is_child then held.child.id
            else coalesce(held.accountid, held.requesttype.id, held.groupid, held.id)
        end as value_id,
        case
            when is_child then held.child.value
            when held is null then plain
            when held.type = 'doc' then {{ rich_text('element') }}
            else coalesce(
                held.displayname, held.requesttype.name, held.name, held.value, held.title, held.label,
                held.key, held.objectid,
                cast(coalesce(held.votes, held.watchcount, held.rating) as varchar), cast(element as varchar)
            )
        end as written,
        case
            when held is not null then coalesce(held.votes, held.watchcount, held.rating)
            when not starts_with(element, '"') then nullif(try_cast(plain as double), 'infinity')
        end as value_number,
        case
            when regexp_full_match(plain, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}.*)?')
                then {{ utc_timestamp('plain') }}
        end as value_at
    from levelled
    where not is_child or held.child.id is not null or held.child.value is not null
),

final as (
    select
        site_id,
        issue_id,
        field_id,
        value_index,
        value_id,
        {{ composed('written') }} as value_text,
        value_number,
        value_at
    from valued
)

select * from final
