"""What Pilote is made of is written down whole and asked about; no answer is not taken for a good one."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cyclonedx.schema
import jsonschema_rs
import pytest

from tests.services.ports import free

ROOT = Path(__file__).parents[2]
ASKS = ROOT / ".ci" / "audit-dependencies"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def sboms() -> tuple[str, str]:
    subprocess.run((ROOT / ".ci" / "sbom",), check=True, capture_output=True)
    python, assets = (ROOT / ".build" / name for name in ("sbom.cdx.json", "sbom-assets.cdx.json"))
    return python.read_text("utf-8"), assets.read_text("utf-8")


def test_every_package_that_is_pinned_is_in_it_with_its_version(sboms: tuple[str, str]) -> None:
    pins = [line.split(";")[0].strip().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pinned = {(_canonical(pin[0]), pin[1]) for pin in pins if len(pin) == 2}
    listed = {(_canonical(each["name"]), each["version"]) for each in json.loads(sboms[0])["components"]}
    assert listed == pinned
    lock: dict[str, Any] = json.loads((ROOT / "services/control/console/assets/package-lock.json").read_text())
    locked = {(at.rpartition("node_modules/")[2], each["version"]) for at, each in lock["packages"].items() if at}
    assert {(each["name"], each["version"]) for each in json.loads(sboms[1])["components"]} == locked


def test_it_is_as_the_standard_has_it(sboms: tuple[str, str]) -> None:
    named = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    parts = [(f"http://cyclonedx.org/schema/{name}", _schema(name)) for name in named]
    for text, version in zip(sboms, ("1.6", "1.5"), strict=True):
        # Not by the package's own validator, which takes 10 s of CPU for the same.
        schema = _schema(f"bom-{version}.SNAPSHOT.schema.json")
        validator = jsonschema_rs.validator_for(schema, registry=jsonschema_rs.Registry(parts))
        bom = json.loads(text)
        assert (bom["specVersion"], list(validator.iter_errors(bom))) == (version, [])
        bom["components"][0]["type"] = "nonsense"
        assert len(list(validator.iter_errors(bom))) == 1


def _schema(name: str) -> Any:
    """As the standard publishes it; the package brings it along."""
    return json.loads((Path(cyclonedx.schema.__file__).parent / "_res" / name).read_text("utf-8"))


def test_of_what_is_required_everything_is_pinned() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    pins = {line.split(";")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    versions = {_canonical(pin.split("==")[0]): pin.split("==")[1] for pin in pins if "==" in pin}
    wanted = re.findall(
        r'^  "([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?==([^";\s]+)(; python_version [^"]*)?"', text, re.MULTILINE
    )
    assert len(wanted) > 80
    assert [pin for pin in wanted if not pin[2] and versions.get(_canonical(pin[0])) != pin[1]] == []


class Osv(BaseHTTPRequestHandler):
    """A vulnerability service of OSV's kind, which knows of one version of one package that it is bad."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]
        package = {"ecosystem": "PyPI", "name": "bad"}
        known = {"id": "PYSEC-2026-1", "summary": "Bad.", "affected": [{"package": package, "ranges": ranges}]}
        bad = (asked["package"]["name"], asked["version"]) == ("bad", "1.0")
        body = json.dumps({"vulns": [known]} if bad else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def _asked(folder: Path, service: str, *pins: str, lenient: bool = False) -> tuple[int, str]:
    """What the audit says of pins, where it asks there."""
    file = folder / "pins.txt"
    file.write_text("\n".join(pins))
    ours = {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": service, "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, str(ASKS), str(file), *(["--lenient"] if lenient else [])]
    environment = {**os.environ, **ours}  # noqa: TID251
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_known_vulnerability_fails_it_and_is_named_also_as_a_part_of_make_test(osv: str, tmp_path: Path) -> None:
    code, said = _asked(tmp_path, osv, "bad==1.0", "good==1.0", lenient=True)
    assert (code, "VULNERABLE: bad 1.0 has PYSEC-2026-1; mended in 2.0" in said, "good" in said) == (1, True, False)
    assert _asked(tmp_path, osv, "bad==2.0", "good==1.0") == (0, "2 dependencies have no known vulnerability\n")


def test_a_service_that_is_away_is_said_and_taken_neither_for_good_nor_for_a_fault(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free(1)[0]}/"
    for lenient, wanted in ((False, 3), (True, 0)):
        code, said = _asked(tmp_path, away, "good==1.0", lenient=lenient)
        assert (code, said.startswith("DEPENDENCIES NOT CHECKED: ")) == (wanted, True)
        assert "no known" not in said
