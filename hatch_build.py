"""Compiles what a login and a token check run through, for a wheel of one platform: docs/deploying.md.

It must never change what the code does: where nothing is compiled, the same files run as they are.
"""

import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compiling(BuildHookInterface[Any]):
    """Makes extension modules with mypyc. Off unless HATCH_BUILD_HOOKS_ENABLE is set; needs a C compiler."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the extension modules to a wheel, which then runs on this platform only.

        Raises: SystemExit, and what setuptools raises for a compiler that is missing or fails.
        """
        if version == "editable":  # who works on the code runs what he has written
            return
        self._folder = TemporaryDirectory(prefix="netra-compiled-")
        source, made = Path(self.root, "src"), Path(self._folder.name)
        modules = _named(source, self.config["modules"]) - _named(source, self.config["interpreted"])
        self.app.display_info(f"Compiling {len(modules)} modules: this takes some minutes.")
        build_data["infer_tag"], build_data["pure_python"] = True, False
        for each in _compiled(source, sorted(modules), made):
            build_data["force_include"][str(each)] = str(each.relative_to(made / "modules"))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel was made from."""
        if not build_data["pure_python"]:
            self._folder.cleanup()


def _named(source: Path, patterns: list[str]) -> set[str]:
    """The modules that stand in `pyproject.toml`, by their paths."""
    found = {str(path.relative_to(source)) for each in patterns for path in source.glob(each)}
    return {each for each in found if not each.endswith("__init__.py")}


def _compiled(source: Path, modules: list[str], made: Path) -> list[Path]:
    from mypyc.build import mypycify  # noqa: PLC0415 - only where something is compiled
    from setuptools import Distribution  # noqa: PLC0415

    os.environ["MYPYPATH"] = str(source)
    types = ["--config-file=", "--namespace-packages", "--explicit-package-bases", f"--cache-dir={made / 'types'}"]
    with chdir(source):  # modules are named by their paths from here
        extensions = mypycify(
            [*types, *modules], target_dir=str(made / "c"), opt_level="2", multi_file=True, group_name="netra"
        )
        for each in extensions:  # calls between modules are direct where nobody outside could mean them
            each.extra_compile_args.append("-fvisibility=hidden")
        command: Any = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
        command.build_temp, command.build_lib = str(made / "objects"), str(made / "modules")
        command.ensure_finalized()
        command.run()
    return sorted((made / "modules").rglob("*.so"))
