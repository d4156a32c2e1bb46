"""How groups fared is shown beside the findings, with both verdicts; where nobody can tell, that is said."""

from pathlib import Path

import pytest

from gateway.rpc.times import timestamp
from pilote.vault.v1 import vault_service_pb2 as pb
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import working
from tests.e2e.policy import policy
from tests.services.vault.running import vault_running
from tests.stores import Store

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
MONDAY_MS = 498_720 * 3_600_000


def comparison(**fields: object) -> pb.Comparison:
    wanted: dict[str, object] = {
        "agent": "sales-bot",
        "version": "score@1",
        "measure": "offers",
        "attributes": ("gender",),
        "group": ("female",),
        "reference": ("male",),
        "persons": 1200,
        "reference_persons": 1250,
        "rate": 0.1,
        "rate_low": 0.08,
        "rate_high": 0.12,
        "reference_rate": 0.2,
        "reference_rate_low": 0.17,
        "reference_rate_high": 0.23,
        "ratio": 0.5,
        "ratio_low": 0.41,
        "ratio_high": 0.62,
        "level": 0.999,
        "share": True,
        "benefit": True,
        "naive": True,
        "alert": True,
        "naive_chance": 0.02,
        "within": pb.Within(word="EXPLAINED", ratio=0.98, ratio_low=0.8, ratio_high=1.2, strata=4),
    }
    return pb.Comparison(**(wanted | fields))  # type: ignore[arg-type]


WEEK = pb.Week(
    tenant="acme",
    start_time=timestamp(MONDAY_MS),
    end_time=timestamp(MONDAY_MS + 7 * 86_400_000),
    comparisons=[
        comparison(),
        comparison(measure="contacts", share=False, benefit=False, rate=2.5, reference_rate=1.5, alert=False),
        comparison(
            measure="refusals", attributes=("age", "gender"), group=("under-25", "male"), naive=False, alert=False
        ),
        comparison(measure="inferences", naive=False, alert=False),
        comparison(measure="true-outcomes", alert=False),
    ],
    truths=[pb.Truth(by="outcomes", people=2400)],
    total=5,
    naive=2,
    false_alarms=0.05,
    naive_false_alarms=0.58,
    small_groups=[
        pb.SmallGroup(attributes=["gender"], group=["other"], hidden_count=8, count=8),
        pb.SmallGroup(attributes=["age", "gender"], group=["under-25", "female"], hidden_count=3, count=8),
    ],
)


@LOOKS
async def test_rates_ratio_and_both_verdicts_stand_beside_each_other(
    visit: Visit, redis_process: Store, tmp_path: Path, look: dict[str, object]
) -> None:
    async with (
        vault_running(tmp_path, weeks=[WEEK]) as address,
        working(redis_process.url, tmp_path, options={"insights": address}) as work,
    ):
        await work.publish(policy(work.upstream.address))
        zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
        page = await zoe.go("/findings")
        await page.locator(".tabs a[href='/findings/fairness']").click()
        await page.wait_for_url("**/findings/fairness")
        await page.locator("tbody tr").nth(4).wait_for()
        assert await zoe.axe() == []
        assert await zoe.overflow() <= 0
        await zoe.snap("fairness")
        row = await page.locator("tbody tr").first.inner_text()
        for english, french in (("women", "femmes"), ("10%", "10\N{NO-BREAK SPACE}%"), ("surely", "sûre")):
            assert english in row or french in row
        assert "58" in await page.locator("section.stack").first.inner_text()
        assert "explained by segments" in row or "expliqué par les segments" in row
        small = page.locator("details.stack")
        await small.locator("summary").click()
        await small.get_by_text("3 of 8").or_(small.get_by_text("3 comparaisons sur 8")).wait_for()
        assert await zoe.axe() == []
        assert await zoe.overflow() <= 0
        await zoe.snap("fairness-small")
        await page.context.close()


async def test_where_the_vault_does_not_answer_that_is_said(visit: Visit, redis_process: Store, tmp_path: Path) -> None:
    async with working(redis_process.url, tmp_path) as work:
        await work.publish(policy(work.upstream.address))
        zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
        page = await zoe.go("/findings/fairness")
        await page.get_by_text("This cannot be told now").wait_for()
        await page.context.close()
