"""What the REST front has answered, as metrics. Labels are names of methods of the contracts and statuses: bounded."""

from gateway.watching.meters import Meters
from gateway.watching.semconv import HTTP_STATUS, OTHER, RPC_METHOD


class RestMetrics:
    """Counts answers by method and status."""

    def __init__(self, meters: Meters) -> None:
        self._answers = meters.meter.create_counter(
            "pilote.agents.answers", "{answer}", "Answers of the REST front, by method and status of HTTP."
        )

    def count(self, method: str, status: int) -> None:
        """Count an answer; `method` is the full name, empty where there is none."""
        self._answers.add(1, {RPC_METHOD: method.removeprefix("/") or OTHER, HTTP_STATUS: status})
