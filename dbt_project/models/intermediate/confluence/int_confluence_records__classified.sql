{#- Records of Confluence's audit log in the terms of our rules: the event is the record's summary. -#}
with records as (
    select * from {{ ref('stg_confluence__audit_records') }}
),

final as (
    select
        site_id,
        'confluence' as source,
        summary as raw_event,
        'any' as condition,
        record_id as source_event_id,
        created_at as occurred_at,
        fetched_at as recorded_at,
        author_account_id as actor_account_id,
        case when author_account_id is null then 'unknown' else 'known' end as actor_certainty,
        -- The log has names only; a record without one is about Confluence as a whole.
        coalesce(object_type || ':' || object_name, object_name, 'site') as object_key,
        object_name,
        changed_values
    from records
)

select * from final
