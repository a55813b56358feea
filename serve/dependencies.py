"""What an endpoint may ask for: the viewer is a type, so no route can forget about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends, Request

from serve.config import ServeSettings
from serve.query.visibility import OPERATOR, Role, Viewer
from serve.warehouse.warehouse import Warehouse


def warehouse_of(request: Request) -> Warehouse:
    """Return the snapshots that the application serves."""
    return cast("Warehouse", request.app.state.warehouse)


def viewer_of(settings: ServeSettings) -> Viewer:
    """Return the one viewer there is until there are accounts, with the rights that are set."""
    role = None if settings.viewer_role == "none" else Role(settings.viewer_role)
    if settings.viewer_account_id is None:
        return replace(OPERATOR, role=role)
    return Viewer(f"account {settings.viewer_account_id}", role, settings.viewer_account_id)


def current_viewer(request: Request) -> Viewer:
    """Return who asks; answers are kept by it, so nothing else may say who a viewer is."""
    return cast("Viewer", request.app.state.viewer)


# Async, although they wait for nothing: FastAPI would run them in a thread, and wait for it.
async def _settings(request: Request) -> ServeSettings:
    return cast("ServeSettings", request.app.state.settings)


async def _warehouse(request: Request) -> Warehouse:
    return warehouse_of(request)


async def asking_viewer(request: Request) -> Viewer:
    """Return who asks: what every endpoint with activity depends on."""
    return current_viewer(request)


SettingsInUse = Annotated[ServeSettings, Depends(_settings)]
OpenWarehouse = Annotated[Warehouse, Depends(_warehouse)]
CurrentViewer = Annotated[Viewer, Depends(asking_viewer)]
