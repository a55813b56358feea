"""What fields were: periods of their values, and their changes, as SQL on the changes.

A value is held from the change that set it until the next one; what a field was before its first
change is what that change replaced, from the creation of the issue on; a field that never changed
has always been what it is. All times are naive UTC.

What a change replaced and set is an item: the value, a member, or the list of all members, as the
source tells it; null where there is none. Lists cost several times as much as single values, so
they are made only of fields that need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Shape = Literal["value", "members", "ids", "words"]

_ITEMS: dict[Shape, str] = {
    "value": "nullif({id}, '')",
    "members": "nullif({id}, '')",
    "ids": (
        "nullif(list_filter(list_transform(string_split(trim({id}, '[] '), ','), "
        "lambda item: trim(item)), lambda item: item != ''), [])"
    ),
    "words": "nullif(list_filter(string_split(lower({text}), ' '), lambda item: item != ''), [])",
}


@dataclass(frozen=True, slots=True)
class Window:
    """A time [start, end); None: without that end."""

    start: datetime | None = None
    end: datetime | None = None

    def within(self, other: Window) -> Window:
        """Return the time that both have."""
        starts = [one for one in (self.start, other.start) if one is not None]
        ends = [one for one in (self.end, other.end) if one is not None]
        return Window(max(starts, default=None), min(ends, default=None))


@dataclass(frozen=True, slots=True)
class Story:
    """Where the history of a field is: SQL of its parts.

    `changes`, `actions` and `issues` are relations, `field_ids` is a list for IN. Without `actions`
    nobody asks who did it, and all authors are null.
    """

    changes: str
    actions: str | None
    issues: str
    field_ids: str
    shape: Shape

    @property
    def has_lists(self) -> bool:
        """Whether what the field holds is a list, not a single item."""
        return self.shape in {"ids", "words"}


def told(story: Story) -> str:
    """Return the relation of changes: site_id, issue_id, changed_at, author, old and new item."""
    old, new = (
        _ITEMS[story.shape].format(id=f"changes.{side}_value_id", text=f"changes.{side}_value")
        for side in ("old", "new")
    )
    author, join = "null::varchar", ""
    if story.actions is not None:
        author = "actions.actor_account_id"
        join = f"""
            left join {story.actions} as actions
                on actions.action_id = changes.action_id
                and actions.occurred_at = changes.occurred_at
        """
    return f"""
        (
            select
                changes.site_id, changes.issue_id, changes.occurred_at as changed_at,
                changes.item_index, changes.action_id, {author} as author,
                {old} as old_item, {new} as new_item
            from {story.changes} as changes
            {join}
            where changes.field_id in ({story.field_ids}) and changes.issue_id is not null
        )
    """


def periods(story: Story, held: str) -> str:
    """Return the relation of periods: site_id, issue_id, item, since, until, author.

    `held` is a query of what the field holds now: site_id, issue_id, item, a member a row. Each
    member has periods of its own.
    """
    return (_whole_periods if story.shape == "value" else _member_periods)(story, held)


def empty_periods(story: Story, held: str) -> str:
    """Return the same relation, such that just the periods of an empty field have no item."""
    return (_counted_periods if story.shape == "members" else _whole_periods)(story, held)


def _current(story: Story, held: str) -> str:
    """Return a query of what every issue holds now, and by whom it was created when."""
    items = "list(item)" if story.has_lists else "any_value(item)"
    return f"""
        select
            issues.site_id, issues.issue_id, issues.created_at, issues.creator_account_id,
            held.item, coalesce(held.item_count, 0) as item_count
        from {story.issues} as issues
        left join (
            select site_id, issue_id, {items} as item, count(*) as item_count
            from ({held}) as now
            group by site_id, issue_id
        ) as held using (site_id, issue_id)
    """


def _whole_periods(story: Story, held: str) -> str:
    return f"""
        (
            with changes as materialized (
                select
                    *,
                    lead(changed_at) over place as following,
                    row_number() over place as number
                from {told(story)} as changes
                window place as (
                    partition by site_id, issue_id order by changed_at, item_index, action_id
                )
            )
            select
                site_id, issue_id, new_item as item, changed_at as since, following as until,
                author
            from changes
            union all
            select
                changes.site_id, changes.issue_id, old_item, issues.created_at, changed_at,
                issues.creator_account_id
            from changes
            join {story.issues} as issues using (site_id, issue_id)
            where number = 1
            union all
            select site_id, issue_id, item, created_at, null, creator_account_id
            from ({_current(story, held)}) as current
            anti join changes using (site_id, issue_id)
        )
    """


def _member_events(story: Story) -> str:
    place = "site_id, issue_id, changed_at, item_index, action_id, author"
    if story.has_lists:
        # what is in both lists has neither come nor gone
        gone, come = (
            f"unnest(list_filter({one}, lambda one: not list_contains(coalesce({other}, []), one)))"
            for one, other in (("old_item", "new_item"), ("new_item", "old_item"))
        )
        return f"""
            with told as materialized (select * from {told(story)} as changes)
            select {place}, {gone} as item, -1 as step from told
            union all
            select {place}, {come} as item, 1 as step from told
        """
    return f"""
        select * from (
            select {place}, unnest([old_item, new_item]) as item, unnest([-1, 1]) as step
            from {told(story)} as changes
        )
        where item is not null
    """


def _member_periods(story: Story, held: str) -> str:
    return f"""
        (
            with events as materialized (
                select
                    *,
                    lead(changed_at) over place as following,
                    row_number() over place as number
                from ({_member_events(story)}) as events
                window place as (
                    partition by site_id, issue_id, item order by changed_at, item_index, action_id
                )
            )
            select
                site_id, issue_id, item, changed_at as since, following as until,
                author
            from events
            where step = 1
            union all
            select
                events.site_id, events.issue_id, item, issues.created_at, changed_at,
                issues.creator_account_id
            from events
            join {story.issues} as issues using (site_id, issue_id)
            where number = 1 and step = -1
            union all
            select
                held.site_id, held.issue_id, held.item, issues.created_at, null,
                issues.creator_account_id
            from ({held}) as held
            join {story.issues} as issues using (site_id, issue_id)
            anti join events
                on events.site_id = held.site_id and events.issue_id = held.issue_id
                and events.item = held.item
        )
    """


def _counted_periods(story: Story, held: str) -> str:
    return f"""
        (
            with steps as materialized (
                select site_id, issue_id, changed_at, sum(step) as step, max(author) as author
                from ({_member_events(story)}) as events
                group by site_id, issue_id, changed_at
            ),
            beginnings as (
                select
                    current.site_id, current.issue_id, current.created_at as changed_at,
                    any_value(current.item_count) - coalesce(sum(steps.step), 0) as step,
                    current.creator_account_id as author, -1 as place
                from ({_current(story, held)}) as current
                left join steps using (site_id, issue_id)
                group by all
            ),
            counted as (
                select
                    site_id, issue_id, author, changed_at as since,
                    sum(step) over place as count,
                    lead(changed_at) over place as until
                from (
                    select * from beginnings
                    union all
                    select site_id, issue_id, changed_at, step, author, 0 from steps
                ) as all_steps
                window place as (partition by site_id, issue_id order by place, changed_at)
            )
            select
                site_id, issue_id, if(count > 0, 'some', null) as item, since, until, author
            from counted
        )
    """
