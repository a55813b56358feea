{{ config(unique_key=['site_id', 'history_id']) }}

with raw as (
    {{ raw_rows('raw_assets', 'object_histories') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'type': 'varchar',
            'affectedAttribute': 'varchar',
            'oldValue': 'varchar',
            'newValue': 'varchar',
            'actor': {'accountId': 'varchar', 'key': 'varchar', 'name': 'varchar', 'displayName': 'varchar'},
        }) }} as entry
    from raw
),

final as (
    select
        site_id,
        object_id as history_id,
        parent_id as object_id,
        entry.type as entry_type,
        entry.affectedattribute as attribute_name,
        nullif(entry.oldvalue, '') as old_value,
        nullif(entry.newvalue, '') as new_value,
        {{ first_account_id([
            'entry.actor.accountid', 'entry.actor.key', 'entry.actor.name'
        ]) }} as actor_account_id,
        entry.actor.displayname as actor_name,
        source_at as created_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
