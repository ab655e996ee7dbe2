"""`asterism ingest`: files that an astronomer has become catalogs; one command per kind of files."""

from __future__ import annotations

from asterism.cli import ingest_images, ingest_surveys, ingest_tables
from asterism.cli.ingest_options import app

__all__ = ["app", "ingest_images", "ingest_surveys", "ingest_tables"]
