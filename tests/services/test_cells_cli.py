"""A tenant is moved to more cells by the commands that the chapter on the store names, alone as on a cluster."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.policies import policy
from tests.services.test_cli import _run
from tests.stores import Store


def _file(folder: Path, **sections: Any) -> str:
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(**sections)), encoding="utf-8")
    return str(file)


def test_the_commands_that_move_a_tenant_say_what_comes_next(own_redis: Store, tmp_path: Path) -> None:
    def run(*arguments: str, **settings: str) -> tuple[int, str]:
        done = _run(*arguments, home=tmp_path, PILOTE_REDIS_URL=own_redis.url, **settings)
        return done.returncode, done.stdout + done.stderr

    (tmp_path / "facts.jsonl").write_text(json.dumps({"tenant": "acme", "subject": "contacts/a", "facts": {}}))
    assert run("apply", _file(tmp_path))[0] == 0
    assert run("facts", "import", str(tmp_path / "facts.jsonl")) == (0, "1 subjects' facts are stored.\n")
    more = _file(tmp_path, tenants=[{"name": "acme", "cells": 4}])

    code, told = run("apply", more, PILOTE_LANG="fr")
    assert (code, "pilote cells acme 4" in told, "plafonds" in told) == (1, True, True)
    code, told = run("cells", "acme", "4")
    assert (code, "pilote stop all --tenant acme" in told) == (2, True)
    assert run("stop", "all", "--tenant", "acme", "--reason", "move")[0] == 0
    code, told = run("cells", "acme", "4")
    assert (code, "tenants: [{name: acme, cells: 4}]" in told) == (0, True)
    code, told = run("resume", "all", "--tenant", "acme")
    assert (code, "apply a policy" in told) == (2, True)
    assert run("apply", more)[0] == 0
    assert run("cells", "acme") == (0, "acme has 4 cell(s).\n")
    assert "move" in run("stops", "--tenant", "acme")[1]
