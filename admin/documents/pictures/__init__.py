"""Pictures of a process, laid out here and drawn as SVG by templates: they need no script, and print."""

from __future__ import annotations

from admin.documents.pictures.ladder import LadderPicture, ladder_pictures
from admin.documents.pictures.workflow import Workflow, workflow
from admin.documents.pictures.year import Year, year_of

__all__ = ["LadderPicture", "Workflow", "Year", "ladder_pictures", "workflow", "year_of"]
