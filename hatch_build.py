"""Build hook: compiles the catalogues into the wheel, so that an installed campaign speaks all its languages."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileCatalogues(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root / "campaign"))
        from catalogues import compile_catalogues

        translations = root / "translations"
        compile_catalogues(translations)
        include = build_data["force_include"]
        for path in sorted(translations.rglob("*")):
            if path.suffix in {".mo", ".toml"}:
                include[str(path)] = f"campaign/_data/{path.relative_to(root)}"
