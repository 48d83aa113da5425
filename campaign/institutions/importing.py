"""Import a dump that was uploaded: compared with the registry first, imported by the worker once it is started."""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from campaign import audit, tasks
from campaign.audit import Actor
from campaign.db import new_id
from campaign.institutions.operations import ImportDiff, import_dump, preview
from campaign.institutions.ror import DumpError
from campaign.tasks import Task

MOST_BYTES = 20_000_000
# A file that was uploaded and not imported is removed by the next one.
_KEPT = timedelta(days=7)
_MOST_REFUSALS = 50


def propose(content: bytes, name: str, folder: Path, actor: Actor) -> Task:
    """Return a task that would import a dump, with what that would change. Raises DumpError.

    ``folder`` is one that the worker reads, too.
    """
    _remove_old(folder)
    path = folder / str(new_id()) / _plain(name)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    try:
        diff = preview(path)
    except DumpError:
        _remove(path)
        raise
    total = diff.summary.added + diff.summary.changed
    return tasks.plan(IMPORT, actor, {"path": str(path), **_to_json(diff)}, total, {})


def _plain(name: str) -> str:
    """Return a file's name as far as it is harmless: the release is read from it."""
    return re.sub(r"[^\w.-]", "_", Path(name).name, flags=re.ASCII)[-100:].lstrip(".") or "dump"


def _remove_old(folder: Path) -> None:
    oldest = time.time() - _KEPT.total_seconds()
    for path in folder.glob("*/*"):
        if path.stat().st_mtime < oldest:
            _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()


def _to_json(diff: ImportDiff) -> Mapping[str, Any]:
    summary = diff.summary
    return {
        "added": summary.added,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "refused": len(summary.refused),
        "refusals": [str(refusal) for refusal in summary.refused[:_MOST_REFUSALS]],
        "fields": diff.fields.most_common(),
        "new": [[record.id, record.name, record.country] for record in diff.added],
        "differences": [
            [one.id, one.name, [list(change) for change in one.changes]] for one in diff.changed
        ],
    }


def _import(task: Task) -> bool:
    """Import the whole file: a dump that breaks off halfway changes nothing.

    The file stays until the next ones come: a worker that is killed before the commit needs it again.
    """
    path = Path(task.plan["path"])
    summary = import_dump(path)
    task.done = summary.added + summary.changed
    counts = {"added": summary.added, "changed": summary.changed, "refused": len(summary.refused)}
    task.result = counts
    audit.record_if_staff(task.actor, "registry imported", "registry", {"file": path.name} | counts)
    return False


IMPORT = tasks.register(tasks.Kind("import the registry", _import))
