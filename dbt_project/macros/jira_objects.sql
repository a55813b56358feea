{#- Objects of Jira as its REST API and its webhooks write them: the shape to read out of the JSON, and
    the structure of our names. What both channels tell has the same columns. -#}

{%- macro issue_shape() -%}
    {{ return({
        'id': 'varchar',
        'key': 'varchar',
        'fields': {
            'summary': 'varchar',
            'created': 'varchar',
            'updated': 'varchar',
            'project': {'id': 'varchar', 'key': 'varchar', 'name': 'varchar'},
            'issuetype': {'id': 'varchar', 'name': 'varchar'},
            'status': {'id': 'varchar', 'name': 'varchar', 'statusCategory': {'key': 'varchar'}},
            'resolution': {'id': 'varchar', 'name': 'varchar'},
            'priority': {'id': 'varchar', 'name': 'varchar'},
            'security': {'id': 'varchar'},
            'parent': {'id': 'varchar'},
            'creator': embedded_user_shape(),
            'reporter': embedded_user_shape(),
            'assignee': embedded_user_shape(),
            'attachment': [attachment_shape()],
            'issuelinks': [{
                'id': 'varchar',
                'type': {'id': 'varchar', 'name': 'varchar', 'inward': 'varchar', 'outward': 'varchar'},
                'inwardIssue': {'id': 'varchar'},
                'outwardIssue': {'id': 'varchar'},
            }],
        },
    }) }}
{%- endmacro -%}

{#- The request type of an issue, whatever the field is called that holds it; `path` leads to the issue
    within the JSON text. -#}
{%- macro request_type(payload, path=[]) -%}
    case
            when contains({{ payload }}, '"requestType"')
                then {{ json_to_struct(
                    "json_extract(" ~ payload ~ ", '$." ~ (path + ['fields', '*', 'requestType']) | join('.') ~ "')[1]",
                    {'id': 'varchar', 'name': 'varchar'},
                ) }}
        end
{%- endmacro -%}

{%- macro issue_columns(issue, request_type, payload) -%}
    {{ issue }}.key as issue_key,
        {{ issue }}.fields.summary as summary,
        {{ issue }}.fields.project.id as project_id,
        {{ issue }}.fields.project.key as project_key,
        {{ issue }}.fields.project.name as project_name,
        {{ issue }}.fields.issuetype.id as issue_type_id,
        {{ issue }}.fields.issuetype.name as issue_type_name,
        {{ issue }}.fields.status.id as status_id,
        {{ issue }}.fields.status.name as status_name,
        {{ issue }}.fields.status.statuscategory.key as status_category,
        {{ issue }}.fields.resolution.id as resolution_id,
        {{ issue }}.fields.resolution.name as resolution_name,
        {{ issue }}.fields.priority.id as priority_id,
        {{ issue }}.fields.priority.name as priority_name,
        {{ request_type }}.id as request_type_id,
        {{ request_type }}.name as request_type_name,
        {{ issue }}.fields.security.id as security_level_id,
        {{ issue }}.fields.parent.id as parent_issue_id,
        {{ embedded_user(issue ~ '.fields.creator') }} as creator,
        {{ embedded_user(issue ~ '.fields.reporter') }} as reporter,
        {{ embedded_user(issue ~ '.fields.assignee') }} as assignee,
        list_transform(
            coalesce({{ issue }}.fields.attachment, []),
            lambda file: {{ attachment('file') }}
        ) as attachments,
        list_transform(
            coalesce({{ issue }}.fields.issuelinks, []),
            lambda link: struct_pack(
                link_id := link.id,
                linked_issue_id := coalesce(link.outwardissue.id, link.inwardissue.id),
                link_type_id := link."type".id,
                link_type_name := link."type".name,
                direction_name := case
                    when link.outwardissue.id is not null then link."type".outward else link."type".inward
                end
            )
        ) as links,
        {{ utc_timestamp(issue ~ '.fields.created') }} as created_at,
        {{ payload }} as payload
{%- endmacro -%}

{%- macro attachment_shape() -%}
    {{ return({
        'id': 'varchar',
        'filename': 'varchar',
        'created': 'varchar',
        'author': embedded_user_shape(),
    }) }}
{%- endmacro -%}

{%- macro attachment(attachment) -%}
    struct_pack(
        attachment_id := {{ attachment }}.id,
        file_name := {{ attachment }}.filename,
        created_at := {{ utc_timestamp(attachment ~ '.created') }},
        author := {{ embedded_user(attachment ~ '.author') }}
    )
{%- endmacro -%}

{%- macro history_items_shape() -%}
    {{ return([{
        'field': 'varchar',
        'fieldId': 'varchar',
        'from': 'varchar',
        'fromString': 'varchar',
        'to': 'varchar',
        'toString': 'varchar',
    }]) }}
{%- endmacro -%}

{#- Names are in the site's language: a field is known by its id, and only system fields have none. -#}
{%- macro history_items(items) -%}
    {#- The linter's grammar does not know lambdas of two parameters yet. -#}
    list_transform( -- noqa: PRS
            coalesce({{ items }}, []),
            lambda item, position: struct_pack(
                item_index := cast(position - 1 as integer),
                field_id := coalesce(item.fieldid, item.field),
                field_name := item.field,
                old_id := item."from",
                old_text := item.fromstring,
                new_id := item."to",
                new_text := item.tostring
            )
        )
{%- endmacro -%}

{%- macro comment_shape() -%}
    {{ return({
        'id': 'varchar',
        'author': embedded_user_shape(),
        'updateAuthor': embedded_user_shape(),
        'created': 'varchar',
        'updated': 'varchar',
        'visibility': {'type': 'varchar', 'value': 'varchar', 'identifier': 'varchar'},
        'body': 'json',
    }) }}
{%- endmacro -%}

{%- macro comment_columns(comment) -%}
    {{ embedded_user(comment ~ '.author') }} as author,
        {{ embedded_user(comment ~ '.updateauthor') }} as update_author,
        {{ rich_text(comment ~ '.body') }} as body_text,
        {{ comment }}.visibility."type" is not null as is_restricted,
        coalesce(
            {{ comment }}.visibility."type" || ':'
            || coalesce({{ comment }}.visibility.identifier, {{ comment }}.visibility."value", ''),
            ''
        ) as restricted_to,
        {{ utc_timestamp(comment ~ '.created') }} as created_at
{%- endmacro -%}

{%- macro worklog_shape() -%}
    {{ return({
        'id': 'varchar',
        'issueId': 'varchar',
        'author': embedded_user_shape(),
        'updateAuthor': embedded_user_shape(),
        'created': 'varchar',
        'updated': 'varchar',
        'started': 'varchar',
        'timeSpent': 'varchar',
        'timeSpentSeconds': 'bigint',
        'visibility': {'type': 'varchar'},
        'comment': 'json',
    }) }}
{%- endmacro -%}

{%- macro worklog_columns(worklog) -%}
    {{ embedded_user(worklog ~ '.author') }} as author,
        {{ embedded_user(worklog ~ '.updateauthor') }} as update_author,
        {{ worklog }}.timespent as time_spent,
        {{ worklog }}.timespentseconds as time_spent_seconds,
        {{ utc_timestamp(worklog ~ '.started') }} as started_at,
        {{ rich_text(worklog ~ '.comment') }} as comment_text,
        {{ worklog }}.visibility."type" is not null as is_restricted,
        {{ utc_timestamp(worklog ~ '.created') }} as created_at
{%- endmacro -%}
