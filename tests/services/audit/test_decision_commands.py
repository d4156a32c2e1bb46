"""What `pilote decisions` and `pilote views` show, in both languages."""

import asyncio
import io
import json
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gateway.core.record import Verdict
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc, summaries_pb2
from services.audit.filters.field_tables import field_rows
from services.audit.filters.fields import FIELDS
from services.audit.filters.matching import values
from services.audit.telling import told
from services.commands import decision_texts
from services.commands.decision_tables import bar, bar_room, chart_rows, clean, head, row, stored_of
from services.commands.searching import pointed
from services.commands.shell import print_rows
from services.commands.stacking import stacked
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle
from tests.services.audit.filters import Row, rows, stored
from tests.services.test_cli import PILOTE, _environment, _run

DENIED: dict[str, Any] = {"verdict": Verdict.DENY, "rule": "quiet_hours", "reason": "QUIET_HOURS", "expires_ms": 0}


@pytest.fixture
async def run(audit: Audit, redis_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """Runs a command against an audit service with three decisions."""
    await append(
        audit.redis,
        *(admit(a_record(0)), settle(a_settlement(0, total_us=250_000)), admit(a_record(1, agent="support-bot"))),
        admit(a_record(60_000, **DENIED)),
    )
    await audit.catch_up()

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port:

        async def running(*arguments: str, lang: str = "en", listen: str = "") -> Any:
            environment = {
                "PILOTE_REDIS_URL": redis_url,
                "PILOTE_AUDIT_LISTEN": listen or f"127.0.0.1:{port}",
                "PILOTE_LANG": lang,
            }
            return await asyncio.to_thread(_run, *arguments, home=tmp_path, **environment)

        running.port = port  # type: ignore[attr-defined]
        yield running
        audit.tails.drain()


def _cells(done: Any) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


async def test_decisions_are_listed_in_the_order_and_with_the_columns_that_are_asked_for(run: Any) -> None:
    usual = _cells(await run("decisions", "list", "agent:bot"))
    assert usual[0][:3] == ["receive_time", "agent", "method"]
    assert [row[-1] for row in usual[1:]] == [an_id(60_000), an_id(1), an_id(0)]
    asked = ("--order", "latency desc", "--columns", "agent, latency,verdict,settle_time", "--count", "2")
    assert _cells(await run("decisions", "list", *asked)) == [
        ["agent", "latency", "verdict", "settle_time"],
        ["sales-bot", "250ms", "ALLOW", "2026-11-24T10:00:00.005Z"],
        ["sales-bot", "", "DENY", "2026-11-24T10:01:00Z"],
    ]


async def test_how_many_match_in_all_is_said_where_somebody_asks(run: Any) -> None:
    for count, said in (("1", "1 décisions sur 2."), ("2", "2 décisions sur 2."), ("9", "2 décisions sur 2.")):
        done = await run("decisions", "list", "verdict = ALLOW", "--total", "--count", count, lang="fr")
        assert (done.stderr.strip(), len(_cells(done))) == (said, min(int(count), 2) + 1)
    assert (await run("decisions", "list", "--count", "1")).stderr == ""


async def test_decisions_are_listed_as_json_line_by_line(run: Any) -> None:
    done = await run("decisions", "list", "--json", "verdict = DENY")
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["rule"] == "quiet_hours"


async def test_a_mistake_in_a_filter_is_told_in_the_language_of_the_system(run: Any) -> None:
    done = await run("decisions", "list", "agnt = x", lang="fr")
    assert (done.returncode, done.stdout) == (1, "")
    assert "colonne 1 : Il n’y a pas de champ agnt. Vouliez-vous dire agent ?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--columns", "agnt"), "There is no field agnt. Did you mean agent?"),
        (("list", "--columns", "zzzz"), "`pilote decisions fields` shows them all."),
        (("list", "--order", "latence"), "ordered by latence. Did you mean latency?"),
        (("list", "--since", "yesterday"), "yesterday is no span: write it as 30m, 12h or 7d."),
        (("list", "--since", "1w"), "1w is no span: write it as 30m, 12h or 7d. Did you mean 7d?"),
        (("list", "agent = x AND agnt = y"), "  agent = x AND agnt = y                 ^"),
        (("facets", "agent", "--filter", "agent == x"), "  agent == x         ^"),
        (("list", "--view", "absent"), "There is no view views/absent."),
        (("facets", "verdit"), "counted by verdit. Did you mean verdict?"),
        (("histogram", "--width", "x"), "x is no span"),
        (("histogram", "a AND"), "line 1, column 6"),
        (("tail", "a AND"), "line 1, column 6"),
    ],
)
async def test_what_cannot_be_shown_says_what_to_write(run: Any, arguments: tuple[str, ...], said: str) -> None:
    done = await run("decisions", *arguments)
    assert done.returncode in {1, 2}
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


async def test_decisions_are_counted_by_fields(run: Any) -> None:
    done = _cells(await run("decisions", "facets", "verdict", "agent", "--top", "1"))
    assert done == [
        *(["verdict", "decisions", "share"], ["ALLOW", "2", "66.7%"], ["1 more values", "1", "33.3%"]),
        *(["agent", "decisions", "share"], ["sales-bot", "2", "66.7%"], ["1 more values", "1", "33.3%"]),
    ]
    french = _cells(await run("decisions", "facets", "channel", "--filter", "verdict = DENY", lang="fr"))
    assert french == [["channel", "décisions", "part"], ["(aucun)", "1", "100,0\u202f%"]]


async def test_decisions_are_counted_by_time(run: Any) -> None:
    done = _cells(await run("decisions", "histogram", "--width", "30s"))
    assert done == [
        ["time (UTC)", "decisions", "ALLOW", "DENY", "HOLD", "DEFER"],
        ["2026-11-24 10:00:00", "2", "2", "0", "0", "0"],
        ["2026-11-24 10:00:30", "0", "0", "0", "0", "0"],
        ["2026-11-24 10:01:00", "1", "0", "1", "0", "0"],
    ]


async def test_since_bounds_what_is_counted(run: Any, audit: Audit) -> None:
    audit.now_ms = NOW_MS + 61_000
    done = json.loads((await run("decisions", "facets", "agent", "--since", "30s", "--json")).stdout)
    assert done["total_count"] == "1"


async def test_the_fields_and_functions_of_filters_are_shown(run: Any) -> None:
    done = _cells(await run("decisions", "fields", lang="fr"))
    assert {row[0] for row in done} >= {*FIELDS, "since(24h)"}
    assert ["champ", "sorte", "ce que c’est"] in done


async def test_a_view_is_saved_shown_used_and_deleted(run: Any) -> None:
    saved = await run(
        *("views", "save", "night", 'rule:"quiet_hours" OR agent = support-bot', "--title", "Nights"),
        *("--order", "receive_time asc", "--columns", "agent,verdict", "--by", "ada"),
    )
    assert saved.stdout == "views/night is saved.\n"
    again = await run("views", "save", "night", lang="fr")
    assert (again.returncode, "existe déjà" in again.stderr) == (1, True)
    listed = _cells(await run("views", "list"))
    assert listed[1][:6] == [
        *("night", "Nights", 'rule:"quiet_hours" OR agent = support-bot', "receive_time asc", "agent, verdict", "ada"),
    ]
    assert _cells(await run("decisions", "list", "--view", "night")) == [
        *(["agent", "verdict"], ["support-bot", "ALLOW"], ["sales-bot", "DENY"]),
    ]
    narrowed = _cells(await run("decisions", "list", "--view", "night", "verdict = DENY", "--columns", "agent"))
    assert narrowed == [["agent"], ["sales-bot"]]
    assert (await run("views", "save", "night", "--replace")).returncode == 0
    assert (await run("views", "delete", "views/night", lang="fr")).stdout == "views/night est supprimée.\n"
    assert _cells(await run("views", "list"))[1:] == []


async def test_decisions_are_followed_until_somebody_has_seen_enough(run: Any, audit: Audit, tmp_path: Path) -> None:
    environment = _environment(tmp_path, PILOTE_AUDIT_LISTEN=f"127.0.0.1:{run.port}")
    # A shell's `&` and nohup ignore SIGINT for all that they start, these tests among them.
    command = ("env", "--default-signal=INT", *PILOTE, "decisions", "tail", "verdict = DENY", "--columns", "name,rule")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"name\trule\n"
    await append(audit.redis, admit(a_record(70_000)), admit(a_record(70_001, **DENIED)))
    await audit.catch_up()
    assert (await process.stdout.readline()).decode() == f"decisions/{an_id(70_001)}\tquiet_hours\n"
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_without_the_audit_service_each_command_says_what_to_do(run: Any) -> None:
    for command in (("decisions", "list"), ("decisions", "facets", "agent"), ("decisions", "tail"), ("views", "list")):
        done = await run(*command, listen="127.0.0.1:1", lang="fr")
        assert done.returncode == 1
        assert "`pilote up` est-il lancé" in done.stderr.replace("\n", " ")


@given(rows(most=1))
def test_every_column_shows_what_the_store_knows(found: list[Row]) -> None:
    (row,) = found
    known = stored(row)
    shown = stored_of(told(known))
    assert {name: Counter(values(field, shown)) for name, field in FIELDS.items()} == {
        name: Counter(values(field, known)) for name, field in FIELDS.items()
    }


@given(st.text())
def test_no_text_reaches_a_terminal_that_would_obey_it(text: str) -> None:
    shown = clean(text)
    assert len(shown.splitlines()) <= 1
    assert all(each.isprintable() or each.isspace() for each in shown)


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    out = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=60)
    print_rows(out, (("agent",), ("[red]bot[/red]",)))
    assert "[red]bot[/red]" in out.file.getvalue()  # type: ignore[attr-defined]


def _on_a_terminal(rows: tuple[tuple[str, ...], ...], *, width: int, whole: str = "") -> list[str]:
    out = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=width)
    print_rows(out, rows, whole=whole)
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_on_a_narrow_terminal_decisions_stand_in_lines_and_their_ids_are_whole() -> None:
    usual = (head(()), row(told(stored((a_record(0), None))), ()))
    narrow = _on_a_terminal(usual, width=80, whole="id")
    assert all(len(line) <= 80 for line in narrow)
    assert any(an_id(0) in line for line in narrow)
    assert narrow[1].startswith("2026-11-24 10:00:00Z  sales-bot  SendMessage  ALLOW  -")
    assert _on_a_terminal(usual, width=200, whole="id")[0].startswith("┏")


def test_texts_that_can_be_folded_stay_in_a_table() -> None:
    for language in ("en", "fr"):
        shown = _on_a_terminal(field_rows(language=language), width=80)
        assert shown[0].startswith("┏")
        assert all(len(line) <= 80 for line in shown)


_CELLS: Final = st.lists(st.text("ab é-,", max_size=90), min_size=1, max_size=8)


@given(_CELLS, st.integers(20, 120))
def test_rows_in_lines_lose_no_word_and_are_no_wider_than_the_terminal(cells: list[str], width: int) -> None:
    lines = stacked(tuple(cells), width=width)
    words = [word for cell in cells for word in (cell.split() or ["-"])]
    assert " ".join(lines).split() == words
    longest = max((len(word) for word in words), default=0)
    assert all(len(line) <= max(width, longest + 4) for line in lines)


@given(st.integers(40, 250))
def test_a_chart_fits_its_terminal(width: int) -> None:
    buckets = [
        summaries_pb2.ChartBucket(start_time=Timestamp(seconds=NOW_MS // 1000), count=count) for count in (0, 12_345)
    ]
    rows = chart_rows(summaries_pb2.ChartDecisionsResponse(buckets=buckets), room=bar_room(width), language="fr")
    assert all(len(line) <= max(width, 75) for line in _on_a_terminal(rows, width=width))


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("agnt = x", {"line": "1", "column": "1"}, ["  agnt = x", "  ^"]),
        ("a = x\n\tagnt = y", {"line": "2", "column": "2"}, ["   agnt = y", "   ^"]),
        ("日本 == x", {"line": "1", "column": "4"}, ["  日本 == x", "       ^"]),
        ("x" * 100 + " = y", {"line": "1", "column": "102"}, ["  " + "x" * 39 + " = y", "  " + " " * 40 + "^"]),
    ],
)
def test_a_mistake_in_a_filter_is_pointed_to(text: str, place: dict[str, str], shown: list[str]) -> None:
    assert pointed(text, place).splitlines()[2:] == shown


@given(st.text(max_size=50), st.dictionaries(st.sampled_from(["line", "column"]), st.text("0123x-", max_size=3)))
def test_nothing_is_pointed_to_where_there_is_no_place(text: str, metadata: dict[str, str]) -> None:
    said = pointed(text, metadata)
    assert not said or (said.endswith("^") and metadata["line"].isdecimal())


@given(st.integers(0, 10_000_000), st.integers(1, 10_000_000))
def test_a_bar_is_there_when_there_is_anything_and_never_too_long(count: int, most: int) -> None:
    drawn = bar(min(count, most), most)
    assert bool(drawn) == (count > 0)
    assert len(drawn) <= 40


def test_every_text_is_there_in_both_languages() -> None:
    assert all(english and french for english, french in decision_texts._TEXTS.values())
