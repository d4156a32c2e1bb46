"""A new master key: all data keys are wrapped anew beside the store's own process, whichever store it is."""

from pathlib import Path

import pytest

from gateway.adapters.sealing import KeyMissing, Sealer
from gateway.adapters.subject_keys import SubjectKeys
from gateway.core.errors import CallEnded
from gateway.core.used import key_bound_to
from services.audit.store import DecisionStore
from services.commands.rewrapping import rewrap
from tests.services.audit.kinds import Kind, Postgres, Sqlite
from tests.services.audit.test_personal import NEW, OLD, admitted, with_values


def where(stores: Kind) -> tuple[Path, str | None]:
    """Home, and URL of a store on a server."""
    assert isinstance(stores, Sqlite | Postgres)
    return (stores.home, None) if isinstance(stores, Sqlite) else (Path("nowhere"), stores.url)


async def test_keys_are_wrapped_anew_while_the_store_goes_on(store: DecisionStore, stores: Kind) -> None:
    keys, (home, url) = SubjectKeys(Sealer((OLD,))), where(stores)
    entries = [admitted(with_values(number, subject="", keys=keys)) for number in range(20)]
    await store.write(entries)
    with pytest.raises(KeyMissing):
        await rewrap(home, (NEW,), url=url)
    assert await rewrap(home, (NEW, OLD), url=url) == 20
    await store.write([admitted(with_values(20, subject="", keys=SubjectKeys(Sealer((NEW,)))))])
    assert await rewrap(home, (NEW,), url=url) == 21
    for entry in entries:
        assert entry.key is not None
        kept = await store.personal.key("acme", entry.key.id)
        assert kept is not None
        assert len(Sealer((NEW,)).open(kept.wrapped, bound_to=key_bound_to("acme", kept))) == 32


@pytest.mark.parametrize("url", [None, "postgresql://127.0.0.1:1/none"])
async def test_where_there_is_no_store_it_is_said(tmp_path: Path, url: str | None) -> None:
    with pytest.raises(CallEnded):
        await rewrap(tmp_path, (NEW,), url=url)
