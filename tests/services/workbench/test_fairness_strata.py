"""A gap that only mirrors who is in which segment is said to; so are one that segments hide, and small groups."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.cells import cell_of
from gateway.redis_clients import Client
from services.findings.wording import sentences
from services.insights.fairness.strata import Word
from services.workbench.looks.fairness import FairnessLook
from services.workbench.looks.fairness_strata import MOST, strata_of
from services.workbench.segments import segments_of
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import START_MS
from tests.services.workbench.campaigns import contact
from tests.services.workbench.test_fairness import LOOKED_MS, columns_of, genders, loaded, pseudonym

PEOPLE = 1_200


def premium(person: int) -> bool:
    """Of men (the odd ones) three in four are, of women one in four."""
    return person // 2 % 4 < (3 if person % 2 else 1)


def segments(_tenant: str, people: Sequence[str]) -> Mapping[str, Sequence[str]]:
    return {each: ("premium",) if premium(int(each, 16) - 1) else ("basic",) for each in people}


def test_a_gap_that_mirrors_the_mix_of_segments_is_found_and_said_to(tmp_path: Path) -> None:
    """Offers go to 60 % of who is premium and to 10 % of the others, women and men alike."""
    draw = np.random.default_rng(1)
    log = (
        contact(draw, at_ms=START_MS + each, person=each, category="marketing")
        if draw.random() < (0.6 if premium(each) else 0.1)
        else contact(draw, at_ms=START_MS + each, person=each, operation="READ", channel="")
        for each in range(PEOPLE)
    )
    columns, vault = columns_of(tmp_path, log), loaded(tmp_path, {"gender": genders(PEOPLE)})
    look = FairnessLook(vault, note=lambda _: None, segments=segments)
    (seen,) = look.look(columns, now_ms=LOOKED_MS)
    assert dict(seen.about)["group"] == "female"
    assert seen.value < 0.7
    within = seen.shown["within"]
    assert (within["word"], within["strata"]) == ("EXPLAINED", 2)
    assert within["low"] < 1 < within["high"]
    assert kinds(seen) == ["bars", "bars"]
    assert "only mirrors who is in which segment" in " ".join(sentences(seen, language="en"))
    assert "refléter qui est dans quel segment" in " ".join(sentences(seen, language="fr"))
    compared = look.weeks["acme"].compared
    (judged,) = [each for each in compared.judged if each.finding.alert]
    assert judged.within is not None
    assert judged.within.word is Word.EXPLAINED
    assert 0 <= judged.naive_chance <= compared.naive_alarms <= 1
    plain = FairnessLook(vault, note=lambda _: None)
    (other,) = plain.look(columns, now_ms=LOOKED_MS)
    assert "within" not in other.shown
    assert (other.value, other.low, other.certainty) == (seen.value, seen.low, seen.certainty)
    vault.close()
    columns.close()


def test_all_segments_of_a_customer_together_are_a_stratum_and_the_smallest_ones_are_one() -> None:
    people = [pseudonym(each) for each in range(100)]
    assert strata_of(people, {}) is None
    assert strata_of(people, dict.fromkeys(people, ("a",))) is None
    some = strata_of(people[:4], {people[0]: ("a", "b"), people[1]: ("b", "a"), people[2]: ("b",)})
    assert some is not None
    assert some[0] == some[1]
    assert len(set(some.tolist())) == 3
    many = strata_of(people, {each: (f"s{number // 2}",) for number, each in enumerate(people)})
    assert many is not None
    assert set(many.tolist()) == set(range(MOST))
    assert (many == MOST - 1).sum() == 100 - 2 * (MOST - 1)


async def test_segments_are_read_of_every_cell_and_what_is_damaged_is_left_out(redis: Client) -> None:
    for tenant, cells in (("acme", 1), ("large", 4)):
        await redis.hset(keys.CELLS, tenant, str(cells))
        for number in range(8):
            ref = pseudonym(number)
            key = keys.facts(keys.cell(tenant, cell_of(cells, ref)), ref)
            body = b"{" if number == 7 else msgspec.json.encode(Facts(segments=("gold",) if number < 5 else ()))
            await redis.set(key, body)
        found = await segments_of(redis, tenant, [pseudonym(number) for number in range(10)])
        assert found == {pseudonym(number): ("gold",) for number in range(5)}
