"""The Dockerfile read, and its stages followed on this machine: what it copies is copied, what it runs is run."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.chapters import ROOT
from tests.k8s.rendering import K8S

FILE: Final = K8S / "Dockerfile"
ENVIRONMENT: Final = "/opt/pilote"
"""Where everything is installed, in the image."""


class Instruction(NamedTuple):
    """One line, continued ones joined."""

    word: str
    said: str


class Stage(NamedTuple):
    """What comes after a FROM."""

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[str]:
        """What its instructions of that word say."""
        return [each.said for each in self.instructions if each.word == word]


def stages() -> tuple[Stage, ...]:
    """All stages, in order; what stands before the first FROM is filled in."""
    text = re.sub(r"\\\n\s*", " ", FILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for word, _, said in (line.partition(" ") for line in lines):
        if word == "FROM":
            image, _, name = filled(said, arguments).partition(" AS ")
            found.append(Stage(image, name, ()))
        elif not found:
            name, _, value = said.partition("=")
            arguments[name] = value
        else:
            found[-1] = found[-1]._replace(instructions=(*found[-1].instructions, Instruction(word, said)))
    return tuple(found)


def filled(text: str, arguments: Mapping[str, str]) -> str:
    """A text with its ${NAME}s filled in."""
    return re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], text)


def followed(folder: Path, *, path: str) -> Path:
    """Follow all stages but the last below `folder`, with programs from `path`; gives what they install into."""
    environment = folder / "environment"
    for stage in stages()[:-1]:
        root = folder / stage.name
        work, arguments = root, {}
        for word, said in stage.instructions:
            if word == "ARG":
                name, _, value = said.partition("=")
                arguments[name] = value
            elif word == "WORKDIR":
                work = root / said.lstrip("/")
                work.mkdir(parents=True)
            elif word == "COPY":
                _copy(said, work=work, folder=folder)
            else:
                assert word == "RUN", word
                command = filled(said, arguments).replace(ENVIRONMENT, str(environment))
                subprocess.run(
                    ["/bin/sh", "-c", command], cwd=work, env={"PATH": path, "HOME": str(folder)}, check=True
                )
    return environment


def entrypoint() -> list[str]:
    """What the image runs."""
    (said,) = stages()[-1].all("ENTRYPOINT")
    found: list[str] = json.loads(said)
    return found


def sources() -> list[str]:
    """What is copied from the repository."""
    copied = [said.split() for stage in stages() for said in stage.all("COPY") if not said.startswith("--from")]
    return [source for *found, _ in copied for source in found]


def _copy(said: str, *, work: Path, folder: Path) -> None:
    *found, to = said.split()
    origin = ROOT
    if found[0].startswith("--from="):
        origin = folder / found.pop(0).partition("=")[2]
    for name in found:
        source, target = origin / name.lstrip("/"), work / to
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "static"))
        else:
            target = target / source.name if to.endswith("/") else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
