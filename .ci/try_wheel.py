"""Tries a wheel that is installed without extras: what it carries, and what its commands say.

It must never import the package from the source tree: it asks the installed commands.
"""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

SOURCE = Path("src")


def missing(wheel: Path) -> list[str]:
    """The files of the package that the wheel does not carry."""
    carried = set(ZipFile(wheel).namelist())
    ours = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }
    return sorted(ours - carried)


def complaints(folder: Path, wheel: Path) -> list[str]:
    """What the commands in `folder` do otherwise than promised."""
    version = wheel.name.split("-")[1]
    promised = [
        (["netra", "--help"], 0, "Commands:"),
        (["netra", "--version"], 0, f"netra {version}"),
        (["netra-gateway", "--version"], 0, f"netra {version}"),
        (["python", "-m", "netra", "--version"], 0, f"netra {version}"),
        (["netra", "serve", "--help"], 0, "--port"),
        (["netra", "doctor", "--help"], 0, "--offline"),
        (["netra", "authd"], 2, "pip install 'netra-gateway[authd]'"),
        (["netra", "users", "list"], 2, "pip install 'netra-gateway[authd]'"),
        (["netra", "servce"], 2, "serve"),
    ]
    found = []
    for (command, *arguments), code, words in promised:
        done = subprocess.run([folder / command, *arguments], capture_output=True, text=True, check=False, cwd="/")
        said = done.stdout + done.stderr
        if done.returncode != code or words not in said or "Traceback" in said:
            spoken = " ".join((command, *arguments))
            found.append(f"`{spoken}` should exit {code} and say {words!r}; it exited {done.returncode}:\n{said}")
    return found


def main() -> int:
    """Takes the folder of the wheel and the environment it is installed in."""
    wheel = next(Path(sys.argv[1]).glob("*.whl"))
    found = [f"{wheel.name} does not carry {name}" for name in missing(wheel)]
    found += complaints((Path(sys.argv[2]) / "bin").absolute(), wheel)
    print(*found or [f"{wheel.name} carries every file, and its commands do what they promise."], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
