"""What SummarizeArms should answer, worked out anew from the decisions, one subject after the other."""

from collections import defaultdict
from dataclasses import dataclass, field

from gateway.core.failing import failed, refused_by_policy
from gateway.core.record import CustomerOutcome, Record, Settlement, Verdict
from services.audit.arms import ArmsQuery, Sums

TYPES = {
    "complaint_rate": "complained", "opt_out_rate": "unsubscribed", "bounce_rate": "bounced",
    "delivery_rate": "delivered", "open_rate": "opened", "click_rate": "clicked", "reply_rate": "replied",
    "conversion_rate": "converted",
}  # fmt: skip


@dataclass(slots=True)
class History:
    """All that happened."""

    records: list[Record] = field(default_factory=list)
    settlements: dict[str, Settlement] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)
    """Calls that were never settled."""
    outcomes: list[CustomerOutcome] = field(default_factory=list)

    def arms(self, query: ArmsQuery) -> dict[str, dict[str, Sums]]:
        """The sums by arm and measure."""
        arms_of: dict[str, set[str]] = defaultdict(set)
        first: dict[str, int] = {}
        for record in sorted(self.records, key=lambda record: record.received_ms):
            arm = _arm(record, query)
            if arm and _unit(record) and query.start_ms <= record.received_ms < query.end_ms:
                arms_of[_unit(record)].add(arm)
                first.setdefault(_unit(record), record.received_ms)
        found: dict[str, dict[str, list[tuple[float, float, float]]]] = defaultdict(lambda: defaultdict(list))
        for unit, arms in arms_of.items():
            if len(arms) == 1:
                (arm,) = arms
                for measure in query.measures:
                    y, d = self._measured(query, measure, unit, arm)
                    x = self._covariate(query, measure, unit, first[unit]) if query.covariate_ms else 0.0
                    found[arm][measure].append((y, d, x))
        return {arm: {measure: _sums(rows) for measure, rows in own.items()} for arm, own in found.items()}

    def _measured(self, query: ArmsQuery, measure: str, unit: str, arm: str) -> tuple[float, float]:
        own = [
            record
            for record in self.records
            if _unit(record) == unit
            and _arm(record, query) == arm
            and query.start_ms <= record.received_ms < query.end_ms
        ]
        if measure == "refusal_rate":
            return sum(_refused(record) for record in own), len(own)
        if measure in {"error_rate", "latency_ms", "cost"}:
            y = sum(self._of_call(record, measure, query.budget) for record in own)
            ended = [each for each in own if each.id in self.settlements]
            doubted = [each for each in own if each.id in self.doubted]
            return y, {"error_rate": len(ended) + len(doubted), "latency_ms": len(ended), "cost": 1}[measure]
        contacts = [
            (contact, cause)
            for contact in self.records
            if (cause := self._cause(contact, query)) is not None
            and (cause[0], cause[1]) == (unit, arm)
            and query.start_ms <= cause[2] < query.end_ms
            and contact.received_ms <= cause[2] + query.attribution_ms
        ]
        y = sum(self._told(contact, measure, until=cause[2] + query.attribution_ms) for contact, cause in contacts)
        return y, 1 if measure == "revenue_cents" else len(contacts)

    def _covariate(self, query: ArmsQuery, measure: str, unit: str, first_ms: int) -> float:
        def before(record: Record) -> bool:
            return first_ms - query.covariate_ms <= record.received_ms < first_ms

        if measure in TYPES or measure == "revenue_cents":
            return sum(
                self._told(contact, measure, until=first_ms - 1)
                for contact in self.records
                if before(contact) and self._belongs(contact, query, unit)
            )
        own = [record for record in self.records if _unit(record) == unit and before(record)]
        if query.kind == "route":
            own = [record for record in own if record.route == query.name]
        return sum(
            _refused(record) if measure == "refusal_rate" else self._of_call(record, measure, query.budget)
            for record in own
        )

    def _belongs(self, contact: Record, query: ArmsQuery, unit: str) -> bool:
        if query.kind == "experiment":
            return self._made(contact) and _unit(contact) == unit
        cause = self._cause(contact, query)
        return cause is not None and cause[0] == unit

    def _of_call(self, record: Record, measure: str, budget: str) -> float:
        settlement = self.settlements.get(record.id)
        if measure == "error_rate":
            return record.id in self.doubted or (
                settlement is not None and (failed(settlement) or bool(settlement.arm))
            )
        if measure == "latency_ms":
            return 0 if settlement is None else settlement.total_us / 1000
        costs = {bucket.limit: bucket.cost for bucket in record.buckets} if record.verdict is Verdict.ALLOW else {}
        if settlement is not None:
            costs = {**({} if settlement.gave_back else costs), **settlement.costs}
        return costs.get(budget, 0) if budget else sum(costs.values())

    def _made(self, record: Record) -> bool:
        settlement = self.settlements.get(record.id)
        gave_back = settlement is not None and settlement.gave_back
        return record.operation == "CONTACT" and record.verdict is Verdict.ALLOW and not gave_back

    def _cause(self, contact: Record, query: ArmsQuery) -> tuple[str, str, int] | None:
        """(unit, arm, time) of the call of the scope that a contact follows from."""
        if not self._made(contact):
            return None
        if arm := _arm(contact, query):
            return (_unit(contact), arm, contact.received_ms) if _unit(contact) else None
        if query.kind == "route" and contact.lineage is not None:
            if contact.lineage.route != query.name or not _unit(contact):
                return None
            at_ms = int(contact.inference[:12], 16) if contact.inference else contact.received_ms
            return _unit(contact), contact.lineage.arm, at_ms
        cause = next((each for each in self.records if each.id == contact.inference), None)
        if cause is None or not _arm(cause, query) or not _unit(cause):
            return None
        return _unit(cause), _arm(cause, query), cause.received_ms

    def _told(self, contact: Record, measure: str, *, until: int) -> float:
        own = [each for each in self.outcomes if each.decision == contact.id and each.occurred_ms <= until]
        if measure == "revenue_cents":
            return sum(each.revenue_cents for each in own)
        return any(each.type == TYPES[measure] for each in own)


def _arm(record: Record, query: ArmsQuery) -> str:
    if query.kind == "route":
        return record.arm if record.route == query.name else ""
    return next((each.variation for each in record.exposures if each.experiment == query.name), "")


def _unit(record: Record) -> str:
    return record.unit_ref or record.subject_ref


def _refused(record: Record) -> bool:
    return refused_by_policy(record.verdict, record.reason)


def _sums(rows: list[tuple[float, float, float]]) -> Sums:
    y, d, x = ([float(row[i]) for row in rows] for i in range(3))

    def dot(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    return Sums(len(rows), sum(y), sum(d), sum(x), dot(y, y), dot(d, d), dot(x, x), dot(y, d), dot(y, x), dot(d, x))
