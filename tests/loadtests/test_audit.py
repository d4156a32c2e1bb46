"""What questions about decisions cost is measured of an empty database too, and no other one is touched."""

import json
from pathlib import Path

import pytest

from loadtests.audit import BUDGETED, main
from tests import postgres


@pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here")
def test_a_database_is_measured_by_every_question_and_never_one_with_decisions(tmp_path: Path) -> None:
    result = tmp_path / "audit.json"
    with postgres.running() as server:
        arguments = ("--url", server.url(), "--decisions", "600", "--result", str(result))
        assert main(arguments) == 0
        found = json.loads(result.read_text(encoding="utf-8"))
        with pytest.raises(SystemExit, match="name an empty one"):
            main(arguments)
    assert found["decisions"] == 600
    assert set(BUDGETED) <= found["database"].keys()
    assert all(each["p95_ms"] > 0 for each in found["database"].values())
