"""Questions of GETs: read, worked out and made JSON in one turn of a thread.

FastAPI documents what an endpoint asks for, and could resolve it, too. It does that parameter by
parameter on the event loop, which all requests share, and checks the answer once more in another
turn; of a page of actions that was a tenth of the time.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeGuard, get_args, get_type_hints

from fastapi import Request, Response, params
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, TypeAdapter, ValidationError

from serve.parameters import check_parameters
from serve.problems import invalid_fields

Dependency = Callable[[Request], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Asking:
    """What an endpoint asks for, and how it is found in a request.

    Names are those of its arguments. Query parameters have one model; dependencies take nothing but
    the request, and wait for nothing.
    """

    endpoint: Callable[..., BaseModel]
    queries: Mapping[str, type[BaseModel]]
    paths: Mapping[str, TypeAdapter[object]]
    dependencies: Mapping[str, Dependency]
    parameters: Mapping[str, bool]
    """The query parameters there are, and whether they take several values."""

    @classmethod
    def of(cls, endpoint: Callable[..., BaseModel]) -> Self:
        """Read the signature of `endpoint`; TypeError if it asks for anything else."""
        queries: dict[str, type[BaseModel]] = {}
        paths: dict[str, TypeAdapter[object]] = {}
        dependencies: dict[str, Dependency] = {}
        hints = get_type_hints(endpoint, include_extras=True)
        for name in inspect.signature(endpoint).parameters:
            kind, *marks = get_args(hints.get(name)) or (None,)
            match marks:
                case [params.Query()] if _is_model(kind) and not queries:
                    queries[name] = kind
                case [params.Path()]:
                    paths[name] = TypeAdapter(hints[name])
                case [params.Depends(dependency=dependency)] if _takes_a_request(dependency):
                    dependencies[name] = dependency
                case _:
                    msg = f"{endpoint.__name__} asks for {name}, which is no part of a question"
                    raise TypeError(msg)
        known = {
            name: schema.get("type") == "array"
            for model in queries.values()
            for name, schema in model.model_json_schema()["properties"].items()
        }
        return cls(endpoint, queries, paths, dependencies, known)

    async def answer(self, request: Request) -> Response:
        """Return the answer of the endpoint as JSON.

        ProblemError: a parameter is unknown or wrong. What the endpoint raises goes through.
        """
        found = {name: await find(request) for name, find in self.dependencies.items()}
        return await run_in_threadpool(self._answer, request, found)

    def _answer(self, request: Request, found: dict[str, object]) -> Response:
        given = request.query_params
        check_parameters(request, self.parameters)
        values = {
            name: given.getlist(name) if self.parameters[name] else given[name] for name in given
        }
        errors: list[dict[str, Any]] = []
        for name, kind in self.paths.items():
            try:
                found[name] = kind.validate_python(request.path_params[name])
            except ValidationError as error:
                errors += _errors(error, "path", name)
        for name, model in self.queries.items():
            try:
                found[name] = model.model_validate(values)
            except ValidationError as error:
                errors += _errors(error, "query")
        if errors:
            raise invalid_fields(errors, within=1)
        return Response(_as_json(self.endpoint(**found)), media_type="application/json")


def _as_json(answer: BaseModel) -> bytes:
    # `model_dump_json` makes a text of the bytes, of which a response makes bytes again.
    return answer.__pydantic_serializer__.to_json(answer, by_alias=True)


def _errors(error: ValidationError, *place: str) -> list[dict[str, Any]]:
    """Return what is wrong as FastAPI would, at `place`."""
    return [{**one, "loc": (*place, *one["loc"])} for one in error.errors(include_url=False)]


def _takes_a_request(dependency: object) -> TypeGuard[Dependency]:
    """Whether a request is all it asks for: dependencies of its own would not be found."""
    return (
        inspect.iscoroutinefunction(dependency)
        and list(get_type_hints(dependency).values())[:-1] == [Request]
        and len(inspect.signature(dependency).parameters) == 1
    )


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
