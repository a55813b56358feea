{{ config(unique_key=['site_id', 'issue_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'issues') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'key': 'varchar',
            'fields': {
                'summary': 'varchar',
                'created': 'varchar',
                'updated': 'varchar',
                'project': {'id': 'varchar', 'key': 'varchar', 'name': 'varchar'},
                'issuetype': {'id': 'varchar', 'name': 'varchar'},
                'status': {'id': 'varchar', 'name': 'varchar', 'statusCategory': {'key': 'varchar'}},
                'resolution': {'id': 'varchar', 'name': 'varchar'},
                'priority': {'name': 'varchar'},
                'security': {'id': 'varchar'},
                'parent': {'id': 'varchar'},
                'creator': embedded_user_shape(),
                'reporter': embedded_user_shape(),
                'assignee': embedded_user_shape(),
                'attachment': [{
                    'id': 'varchar',
                    'filename': 'varchar',
                    'created': 'varchar',
                    'author': embedded_user_shape(),
                }],
            },
        }) }} as issue
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as issue_id,
        version,
        issue.key as issue_key,
        issue.fields.summary as summary,
        issue.fields.project.id as project_id,
        issue.fields.project.key as project_key,
        issue.fields.project.name as project_name,
        issue.fields.issuetype.id as issue_type_id,
        issue.fields.issuetype.name as issue_type_name,
        issue.fields.status.id as status_id,
        issue.fields.status.name as status_name,
        issue.fields.status.statuscategory.key as status_category,
        issue.fields.resolution.id as resolution_id,
        issue.fields.resolution.name as resolution_name,
        issue.fields.priority.name as priority_name,
        issue.fields.security.id as security_level_id,
        issue.fields.parent.id as parent_issue_id,
        {{ embedded_user('issue.fields.creator') }} as creator,
        {{ embedded_user('issue.fields.reporter') }} as reporter,
        {{ embedded_user('issue.fields.assignee') }} as assignee,
        list_transform(
            coalesce(issue.fields.attachment, []),
            lambda attachment: struct_pack(
                attachment_id := attachment.id,
                file_name := attachment.filename,
                created_at := {{ utc_timestamp('attachment.created') }},
                author := {{ embedded_user('attachment.author') }}
            )
        ) as attachments,
        {{ utc_timestamp('issue.fields.created') }} as created_at,
        coalesce(source_at, {{ utc_timestamp('issue.fields.updated') }}) as updated_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
