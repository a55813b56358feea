"""What an endpoint may ask for: the viewer is a type, so no route can forget about it."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from serve.config import ServeSettings
from serve.query.visibility import OPERATOR, Viewer
from serve.warehouse.warehouse import Warehouse


def _settings(request: Request) -> ServeSettings:
    return cast("ServeSettings", request.app.state.settings)


def _warehouse(request: Request) -> Warehouse:
    return cast("Warehouse", request.app.state.warehouse)


def _viewer() -> Viewer:
    return OPERATOR


SettingsInUse = Annotated[ServeSettings, Depends(_settings)]
OpenWarehouse = Annotated[Warehouse, Depends(_warehouse)]
CurrentViewer = Annotated[Viewer, Depends(_viewer)]
