{{ config(unique_key=['site_id', 'record_id']) }}

with raw as (
    {{ raw_rows('raw_jira_audit', 'records') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'summary': 'varchar',
            'category': 'varchar',
            'authorAccountId': 'varchar',
            'authorKey': 'varchar',
            'eventSource': 'varchar',
            'remoteAddress': 'varchar',
            'description': 'varchar',
            'objectItem': audit_item_shape(),
            'associatedItems': [audit_item_shape()],
            'changedValues': [{'fieldName': 'varchar', 'changedFrom': 'varchar', 'changedTo': 'varchar'}],
        }) }} as record
    from raw
),

final as (
    select
        site_id,
        object_id as record_id,
        record.summary,
        record.category,
        nullif(record.authoraccountid, '') as author_account_id,
        nullif(record.authorkey, '') as author_key,
        record.eventsource as event_source,
        record.remoteaddress as remote_address,
        nullif(record.description, '') as record_description,
        list_transform(
            list_prepend(record.objectitem, coalesce(record.associateditems, [])),
            lambda item: struct_pack(
                item_id := nullif(item.id, ''),
                item_name := item.name,
                item_type := item.typename,
                parent_id := item.parentid,
                parent_name := item.parentname
            )
        ) as items,
        list_transform(
            coalesce(record.changedvalues, []),
            lambda changed: struct_pack(
                field_name := changed.fieldname,
                old_text := nullif(changed.changedfrom, ''),
                new_text := nullif(changed.changedto, '')
            )
        ) as changed_values,
        source_at as created_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
