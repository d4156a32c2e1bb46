"""What surrounded a call is said in plain words, in English and French."""

from gateway.core.explain_circumstances import explain_circumstances, explain_kept
from gateway.core.record import Obligation, Record, RuleLook, Settlement, Steps, Verdict

RECORD = Record(
    id="0" * 32,
    received_ms=1,
    decided_ms=2,
    verdict=Verdict.ALLOW,
    person="a" * 32,
    conversation="conv_12345678",
    purpose="renewal",
    rules=(RuleLook("mailing", "allow", standing="granted", basis="contract", proof="form 12"),),
    holdouts=("silent",),
    obligations=(Obligation("no-people", "request", "PERSONAL"), Obligation("no-score", "reply", fields=("a.b", "c"))),
    retention="contacts",
    keep_days=730,
    steps=Steps(wait_us=10, identify_us=120, decide_us=1_500),
)
END = Settlement(id="0" * 32, settled_ms=3, status="OK", admit_us=2_000)


def test_it_is_said_in_english() -> None:
    assert explain_circumstances(RECORD) == [
        f"The agent called on behalf of a person, recorded under the pseudonym {'a' * 32}.",
        "That was in the conversation conv_12345678.",
        "Its purpose was renewal.",
        "It rested on this legal basis: contract (consent mailing). Its proof: form 12.",
        "Whether the customer is in the control group silent was looked up.",
        "Out of the request the rule no-people takes: everything annotated PERSONAL or above.",
        "Out of the reply the rule no-score takes: a.b, c.",
    ]
    assert explain_kept(RECORD, END) == [
        (
            "Its way through the gateway took: waiting 0.01 ms, who calls 0.12 ms, route and rules 1.50 ms, "
            "buckets and record 2.00 ms."
        ),
        "Its record belongs to the class contacts, which is kept for 730 days.",
    ]


def test_it_is_said_in_french() -> None:
    assert explain_circumstances(RECORD, language="fr") == [
        f"L’agent appelait pour le compte d’une personne, enregistrée sous le pseudonyme {'a' * 32}.",
        "C’était dans la conversation conv_12345678.",
        "Sa finalité était : renewal.",
        "Il reposait sur cette base légale : contrat (consentement mailing). Sa preuve : form 12.",
        "On a vérifié si le client fait partie du groupe témoin silent.",
        "De la requête, la règle no-people retire : tout ce qui est annoté PERSONAL ou plus.",
        "De la réponse, la règle no-score retire : a.b, c.",
    ]
    assert explain_kept(RECORD, END, language="fr") == [
        (
            "Son passage par la passerelle a pris : attente 0,01 ms, identification 0,12 ms, route et règles 1,50 ms, "
            "limites et enregistrement 2,00 ms."
        ),
        "Son enregistrement relève de la classe contacts, conservée 730 jours.",
    ]


def test_of_a_call_without_all_that_nothing_is_said() -> None:
    plain = Record(id="0" * 32, received_ms=1, decided_ms=2, verdict=Verdict.ALLOW)
    assert explain_circumstances(plain) == explain_kept(plain, None) == []
