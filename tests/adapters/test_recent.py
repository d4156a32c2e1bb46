"""What is told again: all that another place may have lost, in order, and nothing else."""

from gateway.adapters.recent import KEPT_SECONDS, Recent
from gateway.adapters.spool import Command


class Map:
    """Where commands go, by their key; `None` while that is down."""

    def __init__(self) -> None:
        self.places: dict[str, object] = {"a": "one", "b": "two"}

    def of(self, command: Command) -> object:
        return self.places[str(command[1])]

    def takes(self, command: Command) -> bool:
        return self.of(command) is not None

    def recent(self) -> Recent:
        return Recent(self.of, takes=self.takes)


def test_what_lies_where_it_was_told_is_not_told_again() -> None:
    recent = Map().recent()
    recent.sent([("XADD", "a", 1), ("XADD", "b", 1)], at_s=0)
    assert recent.elsewhere(at_s=1) == []


def test_each_command_is_told_once_to_the_place_that_takes_over_and_again_to_the_next_one() -> None:
    where = Map()
    recent = where.recent()
    recent.sent([("XADD", "a", 1), ("XADD", "b", 1)], at_s=0)
    recent.sent([("XADD", "a", 2)], at_s=1)
    where.places["a"] = "two"
    assert [said.command for said in recent.elsewhere(at_s=2)] == [("XADD", "a", 1), ("XADD", "a", 2)]
    assert recent.elsewhere(at_s=2) == []
    where.places["a"] = where.places["b"] = "three"
    found = [said.command for said in recent.elsewhere(at_s=2)]
    assert sorted(found) == [("XADD", "a", 1), ("XADD", "a", 2), ("XADD", "b", 1)]
    assert found.index(("XADD", "a", 1)) < found.index(("XADD", "a", 2))


def test_while_a_part_is_away_its_last_moments_are_kept_however_long_that_takes() -> None:
    where = Map()
    recent = where.recent()
    recent.sent([("XADD", "a", 1)], at_s=0)
    where.places["a"] = None
    for second in range(100):
        recent.sent([("XADD", "a", "waits on disk"), ("XADD", "b", second)], at_s=second)
    assert recent.elsewhere(at_s=100) == []
    where.places["a"] = "one, again"
    assert [said.command for said in recent.elsewhere(at_s=100)] == [("XADD", "a", 1)]


def test_an_admission_that_was_answered_while_the_connection_broke_is_kept() -> None:
    where = Map()
    recent = where.recent()
    where.places["a"] = None
    recent.admitted(("FCALL", "a", 0), b"{}", took=True, at_s=0)
    where.places["a"] = "one, again"
    assert [said.outcome for said in recent.elsewhere(at_s=9)] == [b"{}"]


def test_what_is_long_told_is_forgotten() -> None:
    where = Map()
    recent = where.recent()
    recent.sent([("XADD", "a", "old")], at_s=0)
    recent.sent([("XADD", "a", "new")], at_s=KEPT_SECONDS + 1)
    where.places["a"] = "two"
    assert [said.command[2] for said in recent.elsewhere(at_s=9)] == ["new"]
