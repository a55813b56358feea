{#- A board is listed to those who may browse its project and see its filter. One that came into sight with
    them need not be new, one that went out of sight need not be gone. -#}

with boards as (
    {{ listing_changes(
        ref('stg_jira_software__boards'), ref('stg_jira_software__sweeps'), ['board_id'], "'boards'"
    ) }}
),

configurations as (
    {{ listing_changes(
        ref('stg_jira_software__board_configurations'), ref('stg_jira_software__sweeps'), ['board_id'],
        "'board_configurations:' || board_id"
    ) }}
),

known as (
    select * from {{ ref('int_boards__listed') }}
),

browsable_projects as (
    {{ listing_changes(
        ref('stg_jira_platform__browsable_projects'), ref('stg_jira_platform__sweeps'), ['project_id'],
        "'browsable_projects'"
    ) }}
),

in_sight as (
    {{ containers_in_sight(
        'browsable_projects', 'project_id', 'is_present',
        ref('stg_jira_platform__sweeps'), "'browsable_projects'"
    ) }}
    union all
    -- Lakes of before have no such list: then whoever is shown a project is taken to browse it.
    select
        site_id,
        project_id,
        since_at,
        looked_at
    from {{ ref('int_projects__in_sight') }} as shown
    where
        not exists (
            select 1 from {{ ref('stg_jira_platform__sweeps') }} as sweeps
            where
                sweeps.site_id = shown.site_id
                and sweeps.list_name = 'browsable_projects'
                and sweeps.is_complete
        )
),

gone as (
    {{ proved_to_be_gone(
        'boards', 'board_id', 'previous.project_id', 'in_sight', 'project_id',
        ref('stg_jira_software__sweeps'), "'boards'"
    ) }}
),

accounts as (
    select distinct
        site_id,
        account_id
    from {{ ref('stg_jira_platform__account') }}
),

filters as (
    {{ listing_changes(
        ref('stg_jira_platform__filters'), ref('stg_jira_platform__sweeps'), ['filter_id'], "'filters'"
    ) }}
),

-- Boards with a filter of somebody else, not listed either since `hidden_from_at`: it may be private now.
of_hidden_filters as (
    select
        known_configurations.site_id,
        known_configurations.board_id,
        filters.observed_from_at as hidden_from_at
    from {{ ref('int_board_configurations__listed') }} as known_configurations
    inner join filters
        on
            known_configurations.site_id = filters.site_id
            and known_configurations.filter_id = filters.filter_id
    where
        filters.change = 'vanished'
        and not exists (
            select 1 from accounts
            where
                accounts.site_id = filters.site_id
                and accounts.account_id = filters.previous.filter_owner.account_id
        )
),

ranked as (
    select
        *,
        coalesce({{ is_newest('board_id') }}, true) as is_newest
    from boards
),

compared as (
    select
        ranked.* replace (
            greatest(ranked.observed_to_at, gone.proved_at) as observed_to_at,
            greatest(ranked.fetched_at, gone.proved_fetched_at) as fetched_at
        ),
        gone.board_id is not null
        and (
            of_hidden_filters.board_id is null
            or gone.proved_at <= of_hidden_filters.hidden_from_at + interval 1 second
        ) as is_provable,
        {{ field_changes([
            {'id': 'name', 'name': 'Name', 'text': 'board_name'},
            {'id': 'type', 'name': 'Type', 'text': 'board_type'},
            {'id': 'location', 'name': 'Location', 'text': 'location_name', 'value': 'project_id'},
        ]) }} as edits
    from ranked
    left join gone
        on
            ranked.site_id = gone.site_id
            and ranked.board_id = gone.board_id
            and ranked.version = gone.version
    left join of_hidden_filters
        on ranked.site_id = of_hidden_filters.site_id and ranked.board_id = of_hidden_filters.board_id
    where not coalesce(ranked.is_discovery or ranked.previous.is_discovery, false)
),

reconfigured as (
    select
        *,
        {{ field_changes([
            {'id': 'columns', 'name': 'Columns', 'text': 'board_columns'},
            {'id': 'constraintType', 'name': 'Column limits', 'text': 'constraint_type'},
            {'id': 'filter', 'name': 'Filter', 'text': 'filter_id'},
            {'id': 'subQuery', 'name': 'Sub-filter', 'text': 'sub_query'},
            {'id': 'estimation', 'name': 'Estimation', 'text': 'estimation_name', 'value': 'estimation_id'},
            {'id': 'ranking', 'name': 'Ranking', 'text': 'rank_field_id'},
        ]) }} as edits
    from configurations
),

told as (
    select
        site_id,
        board_id,
        version,
        coalesce(board_name, previous.board_name) as board_name,
        coalesce(project_id, previous.project_id) as project_id,
        observed_from_at,
        observed_to_at,
        fetched_at,
        {{ each(listing_events([
            ('created', "change = 'created' and is_newest", none),
            ('updated', "change in ('changed', 'returned') and len(edits) > 0", 'edits'),
            ('deleted', "change = 'vanished' and is_provable", none),
        ])) }} as event
    from compared
    union all
    select
        reconfigured.site_id,
        reconfigured.board_id,
        reconfigured.version,
        known.board_name,
        known.project_id,
        reconfigured.observed_from_at,
        reconfigured.observed_to_at,
        reconfigured.fetched_at,
        struct_pack(condition := 'reconfigured', changes := reconfigured.edits) as event
    from reconfigured
    left join known on reconfigured.site_id = known.site_id and reconfigured.board_id = known.board_id
    where reconfigured.change in ('changed', 'returned') and len(reconfigured.edits) > 0
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_software' and raw_event = 'board'
),

mapped as (
    select
        told.*,
        mappings.source,
        mappings.action_code
    from told
    inner join mappings on told.event.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'source_event_id': "board_id || '@' || version",
        'item_key': 'event.condition',
        'match_key': 'board_id',
        'occurred_at': 'observed_to_at',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'null',
        'actor_certainty': "'unknown'",
        'target_id': 'board_id',
        'target_label': 'board_name',
        'issue_id': 'null',
        'changes': 'event.changes',
    }) }}
)

select * from final
