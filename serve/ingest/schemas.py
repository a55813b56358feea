"""What is sent to the ingest endpoints, and what they answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

MAX_VIEWS = 500
CLOCKS_MAY_DIFFER = timedelta(minutes=5)

AccountId = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_\-]{1,128}$", strict=True)]
IssueKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,254}-[0-9]{1,18}$", strict=True)]
IssueId = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(pattern=r"^[0-9]{1,18}$"),
]


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("must be a text such as 2026-01-05T08:30:00Z")  # noqa: TRY004 - pydantic turns only ValueErrors into errors of the field
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2026-01-05T08:30:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("must say its time zone, such as 2026-01-05T08:30:00Z")
    if utc > datetime.now(UTC) + CLOCKS_MAY_DIFFER:
        raise ValueError("lies in the future")
    return utc


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Receipt(BaseModel):
    """What became of a request; everything in it is on the disk."""

    model_config = ConfigDict(frozen=True)

    stored: int = Field(description="Deliveries or views that are new.", examples=[1])
    known: int = Field(description="Those that were here already.", examples=[0])


class IssueView(BaseModel):
    """One person looked at one issue once."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    account_id: AccountId = Field(
        description="Atlassian account id of the person.", examples=["5b10ac8d82e05b22cc7d4ef5"]
    )
    issue_id: IssueId | None = Field(
        default=None, description="Numeric id of the issue.", examples=["10042"]
    )
    issue_key: IssueKey | None = Field(
        default=None, description="Key of the issue, if its id is not known.", examples=["ABC-1"]
    )
    source: Literal["issue_view", "customer_portal"] = Field(
        description="Where it was looked at.", examples=["issue_view"]
    )
    viewed_at: Moment = Field(
        default=None,
        description="When, with time zone; the time of receipt if it is left out.",
        examples=["2026-01-05T08:30:00Z"],
    )

    @model_validator(mode="after")
    def _names_an_issue(self) -> IssueView:
        if self.issue_id is None and self.issue_key is None:
            raise ValueError("issueId or issueKey must be given")
        return self


class _ForgeIssue(BaseModel):
    id: IssueId
    key: IssueKey | None = None


class ForgeEvent(BaseModel):
    """Forge's product event `avi:jira:viewed:issue`, as a trigger is given it.

    Members that are not named here are let through and not stored.
    """

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    event_type: Literal["avi:jira:viewed:issue"] = Field(
        description="The name of the event.", examples=["avi:jira:viewed:issue"]
    )
    issue: _ForgeIssue = Field(description="The issue: its id, and its key if the event has it.")
    atlassian_id: AccountId = Field(
        description="Atlassian account id of the person.", examples=["5b10ac8d82e05b22cc7d4ef5"]
    )
    viewed_at: Moment = Field(default=None, description="When, if the forwarding trigger adds it.")

    def as_view(self) -> IssueView:
        """Return the view that the event tells of; Forge has none of the customer portal."""
        return IssueView.model_construct(
            account_id=self.atlassian_id,
            issue_id=self.issue.id,
            issue_key=self.issue.key,
            source="issue_view",
            viewed_at=self.viewed_at,
        )


def body_documentation(model: type[BaseModel], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an OpenAPI document
    """Return the JSON schema of `model` with its parts inside, for an OpenAPI document."""
    schema = model.model_json_schema(by_alias=True)
    parts = schema.pop("$defs", {})
    for name, value in schema["properties"].items():
        reference = value.pop("$ref", None)
        if reference:
            schema["properties"][name] = parts[reference.rpartition("/")[2]] | value
    return schema | more
