{{ config(unique_key=['site_id', 'delivery_id'], compressed={'issue_payload': 'zstd'}) }}

with raw as (
    {{ raw_rows('raw_inbox', 'deliveries') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'event': 'varchar',
            'flow': 'varchar',
            'triggered_by': 'varchar',
            'body': {
                'issue_event_type_name': 'varchar',
                'user': embedded_user_shape(),
                'issue': issue_shape(),
                'changelog': {'id': 'varchar', 'items': history_items_shape()},
                'comment': comment_shape(),
                'worklog': worklog_shape(),
                'attachment': attachment_shape(),
                'issueLink': {
                    'id': 'varchar',
                    'sourceIssueId': 'varchar',
                    'destinationIssueId': 'varchar',
                    'systemLink': 'boolean',
                    'issueLinkType': {'id': 'varchar', 'inwardName': 'varchar', 'outwardName': 'varchar'},
                },
            },
        }) }} as delivery,
        {{ request_type('payload', ['body', 'issue']) }} as request_type
    from raw
    where is_present
),

-- The deletion of an issue is also told by what hung on it: consequences, not deeds.
final as (
    select
        site_id,
        object_id as delivery_id,
        delivery.event,
        delivery.body.issue_event_type_name as issue_event,
        coalesce(delivery.flow = 'Secondary', false) as is_consequence,
        delivery.triggered_by as triggered_by_account_id,
        {{ embedded_user('delivery.body.user') }} as person,
        delivery.body.issue,
        cast(json_extract(payload, '$.body.issue') as varchar) as issue_payload,
        request_type,
        delivery.body.changelog,
        delivery.body.comment,
        delivery.body.worklog,
        delivery.body.attachment,
        delivery.body.issuelink as issue_link,
        coalesce(delivery.body.issue.id, delivery.body.worklog.issueid) as issue_id,
        case
            when
                coalesce(
                    delivery.body.issue.id, delivery.body.comment.id, delivery.body.worklog.id,
                    delivery.body.attachment.id, delivery.body.issuelink.id
                ) is null
                then json_extract(payload, '$.body')
        end as details,
        coalesce(source_at, fetched_at) as sent_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
