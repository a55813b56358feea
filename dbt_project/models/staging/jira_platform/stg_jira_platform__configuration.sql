{{ config(unique_key=['site_id', 'object_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'configuration') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'votingEnabled': 'boolean',
            'watchingEnabled': 'boolean',
            'unassignedIssuesAllowed': 'boolean',
            'subTasksEnabled': 'boolean',
            'issueLinkingEnabled': 'boolean',
            'timeTrackingEnabled': 'boolean',
            'timeTrackingConfiguration': {
                'workingHoursPerDay': 'double',
                'workingDaysPerWeek': 'double',
                'timeFormat': 'varchar',
                'defaultUnit': 'varchar',
            },
        }) }} as options
    from raw
),

final as (
    select
        site_id,
        object_id,
        version,
        options.votingenabled as voting,
        options.watchingenabled as watching,
        options.unassignedissuesallowed as unassigned_issues,
        options.subtasksenabled as subtasks,
        options.issuelinkingenabled as issue_links,
        options.timetrackingenabled as time_tracking,
        printf('%g', options.timetrackingconfiguration.workinghoursperday) as working_hours_per_day,
        printf('%g', options.timetrackingconfiguration.workingdaysperweek) as working_days_per_week,
        options.timetrackingconfiguration.timeformat as time_format,
        options.timetrackingconfiguration.defaultunit as default_unit,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
