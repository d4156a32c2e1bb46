"""The image is one of nobody in particular, has what all workloads start, and its install commands work."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from gateway.settings import inherited
from tests.chapters import ROOT
from tests.k8s import dockerfile
from tests.k8s.workloads import everywhere
from tests.systems.making import node

HOME: Final = "/var/lib/pilote"


def test_it_is_built_in_stages_of_images_of_no_named_registry() -> None:
    assets, build, last = dockerfile.stages()
    assert (assets.name, build.name, last.name) == ("assets", "build", "")
    for stage in (assets, build, last):
        name, _, tag = stage.image.partition(":")
        assert "." not in name.partition("/")[0]
        assert tag
    assert build.image == last.image  # an environment is moved from one to the other
    text = dockerfile.FILE.read_text("utf-8")
    assert re.findall(r"https?://|index-url|registry=", text) == []
    assert last.all("RUN") == [f"install -d -o 65532 -g 65532 {HOME}"]


def test_its_user_and_folder_are_those_of_the_pods() -> None:
    (user,) = dockerfile.stages()[-1].all("USER")
    for workload in everywhere():
        if workload.ours:
            security = workload.pod["securityContext"]
            assert user == f"{security['runAsUser']}:{security['runAsGroup']}"
            assert str(workload.settings().home) == HOME == dockerfile.stages()[-1].all("WORKDIR")[0]
    assert dockerfile.entrypoint() == ["pilote"]


def test_nothing_but_what_it_is_made_of_goes_to_the_builder() -> None:
    lines = (dockerfile.FILE.parent / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    for source in dockerfile.sources():
        assert (ROOT / source).exists()
        assert any(source == each or source.startswith(f"{each}/") for each in kept), source
    assert all(any(source == each or source.startswith(f"{each}/") for source in dockerfile.sources()) for each in kept)
    assert (ROOT / "pyproject.toml").read_text("utf-8").count('requires-python = ">=3.11"') == 1


@pytest.mark.integration
@pytest.mark.timeout(1_800)
def test_its_install_commands_make_an_environment_that_runs_every_command_of_the_pods(tmp_path: Path) -> None:
    path = os.pathsep.join((str(node().parent), inherited()["PATH"]))
    environment = dockerfile.followed(tmp_path, path=path)

    def told(program: str, *arguments: str) -> str:
        command = [str(environment / "bin" / program), *arguments]
        own = {"PATH": f"{environment}/bin", "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=own).stdout

    assert "gateway" in told(*dockerfile.entrypoint(), "--help")
    for args in {tuple(each.container["args"]) for each in everywhere() if each.ours}:
        words = [word for word in args if not word.startswith("--")][: 2 if args[-1] == "run" else 1]
        assert told("pilote", *words, "--help")
    assert "v=" in told("valkey-server", "--version")
    (manifest,) = environment.glob("lib/*/site-packages/services/control/console/static/manifest.json")
    assert manifest.stat().st_size > 100
    told("python", "-c", "import leadforge")  # the extras
    (envoy,) = told("python", "-c", "from gateway.envoy.engine.process import binary; print(binary())").splitlines()
    assert "1.39.3" in subprocess.run([envoy, "--version"], capture_output=True, text=True, check=True).stdout
    assert told("python", "-c", "from services.deciding.worker import loadable; print(loadable())") == "True\n"
