"""What Envoy reads: resources in files, which it looks at anew when they are replaced."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]
TYPE: Final = "type.googleapis.com/"
"""Before the name of each message's type."""


def put(home: Path, name: str, resources: Mapping[str, Json]) -> None:
    """Put a file of resources in its place in one step: Envoy looks when that is done."""
    listed = [resources[each] for each in sorted(resources)]
    version = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]
    new = home / f".{name}"
    new.write_text(json.dumps({"version_info": version, "resources": listed}), encoding="utf-8")
    new.replace(home / name)


def file_of(home: Path, name: str) -> Json:
    """Where Envoy finds such a file."""
    return {
        "path_config_source": {"path": str(home / name), "watched_directory": {"path": str(home)}},
        "resource_api_version": "V3",
    }
