{#- What others share with nobody is invisible, so a filter that comes into sight need not be new and
    one that goes out of sight need not be gone. New is what has a higher id than any filter listed
    before, and whatever is new among the account's own; gone, for certain, only the account's own. -#}

with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__filters'), ref('stg_jira_platform__sweeps'), ['filter_id'], "'filters'"
    ) }}
),

accounts as (
    select distinct
        site_id,
        account_id
    from {{ ref('stg_jira_platform__account') }}
),

judged as (
    select
        *,
        coalesce(filter_owner.account_id, previous.filter_owner.account_id) as owner_account_id,
        filter_owner.account_id as owner_id,
        filter_owner.display_name as owner_name,
        coalesce({{ is_newest('filter_id') }}, false) as is_newest
    from listed
),

compared as (
    select
        judged.* replace (
            case
                when judged.previous is not null
                    then struct_insert(
                        judged.previous,
                        owner_id := judged.previous.filter_owner.account_id,
                        owner_name := judged.previous.filter_owner.display_name
                    )
            end as previous
        ),
        accounts.account_id is not null as is_own
    from judged
    left join accounts
        on judged.site_id = accounts.site_id and judged.owner_account_id = accounts.account_id
),

told as (
    select
        *,
        {{ field_changes([
            {'id': 'name', 'name': 'Name', 'text': 'filter_name'},
            {'id': 'description', 'name': 'Description', 'text': 'description'},
            {'id': 'jql', 'name': 'JQL', 'text': 'jql'},
            {'id': 'owner', 'name': 'Owner', 'text': 'owner_name', 'value': 'owner_id'},
            {'id': 'sharePermissions', 'name': 'Shared with', 'text': 'shared_with'},
        ]) }} as edits
    from compared
),

events as (
    select
        *,
        {{ each(listing_events([
            ('created', "change = 'created' and (is_own or is_newest)", none),
            ('updated', "change = 'changed' and len(edits) > 0", 'edits'),
            ('deleted', "change = 'vanished' and is_own", none),
        ])) }} as event
    from told
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform' and raw_event = 'filter'
),

mapped as (
    select
        events.*,
        mappings.source,
        mappings.action_code,
        case when event.condition = 'created' then owner_account_id end as likely_actor
    from events
    inner join mappings on events.event.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'source_event_id': "filter_id || '@' || version",
        'item_key': 'event.condition',
        'match_key': 'filter_id',
        'occurred_at': 'observed_to_at',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'likely_actor',
        'actor_certainty': "case when likely_actor is null then 'unknown' else 'inferred' end",
        'target_id': 'filter_id',
        'target_label': 'coalesce(filter_name, previous.filter_name)',
        'project_id': 'null',
        'issue_id': 'null',
        'changes': 'event.changes',
    }) }}
)

select * from final
