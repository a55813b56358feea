{{ config(unique_key=['site_id', 'record_id']) }}

with raw as (
    {{ raw_rows('raw_confluence', 'audit_records') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'author': {'accountId': 'varchar', 'displayName': 'varchar'},
            'summary': 'varchar',
            'category': 'varchar',
            'affectedObject': {'name': 'varchar', 'objectType': 'varchar'},
            'changedValues': [{'name': 'varchar', 'oldValue': 'varchar', 'newValue': 'varchar'}],
        }) }} as record
    from raw
),

final as (
    select
        site_id,
        object_id as record_id,
        trim(record.summary) as summary,
        record.category,
        record.author.accountid as author_account_id,
        nullif(record.affectedobject.objecttype, '') as object_type,
        nullif(record.affectedobject.name, '') as object_name,
        coalesce(record.changedvalues, []) as changed_values,
        source_at as created_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
