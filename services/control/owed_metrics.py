"""How much the control plane owes to the log, as metrics."""

from gateway.watching.meters import Meters


class OwedMetrics:
    """Says what was told last."""

    def __init__(self, meters: Meters) -> None:
        gauge = meters.meter.create_gauge
        self._owed = gauge("pilote.notes.owed", "{note}", "Notes of changes that are owed to the log.")
        self._refused = gauge("pilote.notes.refused", "{note}", "Notes that were owed and that the log refuses.")
        self.tell(0, 0)

    def tell(self, owed: int, refused: int) -> None:
        """Notes that are owed now, and notes that were refused and set aside."""
        self._owed.set(owed)
        self._refused.set(refused)
