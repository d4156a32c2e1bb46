"""Shows the account of each fault: `pytest -s -m 'integration or not integration' tests/e2e/faults`."""

import sys
from collections.abc import Callable

import pytest

from tests.e2e.faults.reconciling import Account


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[Account], None]:
    """Write an account out, under the name of the fault."""

    def show(account: Account) -> None:
        sys.stdout.write(account.table(request.node.name) + "\n")

    return show
