"""The policy that quarters are simulated under where nobody names another one."""

from pathlib import Path
from typing import Final

from gateway.activation.loading import load
from gateway.adapters.policy_files import read
from gateway.core.revision.compiled import Revision

POLICY: Final = Path(__file__).parent / "policy.yaml"


def default_policy(*, number: int = 0) -> Revision:
    """It, compiled."""
    data, lines = read(POLICY)
    return load(data, lines=lines, number=number)
